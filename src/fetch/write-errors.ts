import { BsdupError } from '../errors.ts';

/** Does `work` on the disk at `path`; what the disk refuses becomes E_WRITE. */
export async function onDisk<T>(path: string, work: Promise<T>): Promise<T> {
	try {
		return await work;
	} catch (cause) {
		throw new BsdupError({
			code: 'E_WRITE',
			message: `cannot write ${path}: ${cause instanceof Error ? cause.message : String(cause)}`,
			next: ['make room there, then try again: what is there is kept'],
			cause,
		});
	}
}
