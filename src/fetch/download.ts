import { Dispatch } from './dispatch.ts';
import { fetchFile } from './fetch-file.ts';
import { PATIENCE, type Patience } from './watch.ts';

export { hashFile } from './hash.ts';

/** One file of a download. */
export interface FileToFetch {
	/** For people, and the name below `dir`. */
	name: string;
	/** Where it goes, absolute; default `dir`/`name`. */
	to?: string;
	/** The same file on one or several mirrors (http, https, ftp, file, or a path), the best first. */
	urls: readonly string[];
	/** Hex. */
	sha256: string;
	/** Bytes, or null where no mirror told. */
	size: number | null;
}

/** What download() is asked for. */
export interface DownloadRequest {
	files: readonly FileToFetch[];
	/** A folder that is there. */
	dir: string;
	/** Files at once; default 4. */
	parallel?: number;
	/** Bytes a second, more than none, of all connections together; left out = no limit. */
	bandwidth?: number;
	/** Bytes of a file that are there, bytes in all (null = not known), and the mirror that the last of them came from ('' = no mirror). */
	onBytes?: (name: string, done: number, total: number | null, mirror: string) => void;
	/** What a person wants to know of a mirror, in one line: it is set aside, it gave wrong bytes. */
	onMirror?: (mirror: string, notice: string) => void;
	signal?: AbortSignal;
	/** How long sources are waited for; `pauseMs`: the first pause after a failure, doubled after each that brought nothing. */
	patience?: Partial<Patience> & { pauseMs?: number };
}

/** Files at once. */
const PARALLEL = 4;
/** See `patience.pauseMs`. */
const PAUSE_MS = 200;

/**
 * Fetches files, largest first, each in stretches over several connections and from all its mirrors at once. What is there with the
 * right hash is left alone; `TO.part` is taken up where it broke; a file gets its name only when the hash of the whole is right. A
 * mirror that fails is set aside while others go on. The first file that no mirror gives stops the others, whose parts are kept.
 * Throws E_HASH_MISMATCH, E_NOT_FOUND, E_FETCH, E_MIRROR_UNREACHABLE, E_WRITE, E_LOCKED, or the signal's reason.
 */
export async function download(request: DownloadRequest): Promise<void> {
	const { pauseMs = PAUSE_MS, ...patience } = request.patience ?? {};
	const queue = [...request.files].sort((a, b) => (b.size ?? 0) - (a.size ?? 0));
	const dispatch = new Dispatch(request, { ...PATIENCE, ...patience }, pauseMs);
	const worker = async (): Promise<void> => {
		for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
			try {
				await fetchFile(file, request, dispatch);
			} catch (error) {
				dispatch.fail(error);
				queue.length = 0;
			}
		}
	};
	try {
		await Promise.all(Array.from({ length: Math.max(1, request.parallel ?? PARALLEL) }, worker));
	} finally {
		dispatch.close();
	}
	if (dispatch.failure !== null) throw dispatch.failure.cause;
}
