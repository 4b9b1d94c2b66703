import { BsdupError, EXIT } from '../errors.ts';
import { stopSignal } from './stop-signal.ts';

/** Does `work` until it ends, or until Ctrl-C or SIGTERM ends it. Throws what it throws, E_INTERRUPTED after a signal. */
export async function untilSignal<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
	const stop = stopSignal();
	try {
		return await work(stop.signal);
	} catch (error) {
		if (!stop.signal.aborted) throw error;
		throw new BsdupError({ code: 'E_INTERRUPTED', message: 'interrupted', state: 'Nothing was changed.', exit: EXIT.interrupted });
	} finally {
		stop.off();
	}
}
