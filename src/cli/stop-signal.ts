const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Does `work` with a signal that Ctrl-C, a hang-up or SIGTERM aborts, instead of ending this program. */
export async function withStopSignal<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
	const stop = new AbortController();
	const onSignal = (): void => stop.abort();
	// Not `once`: whoever else listens takes a signal that nobody listens to any more for the end of the program.
	for (const signal of SIGNALS) process.on(signal, onSignal);
	try {
		return await work(stop.signal);
	} finally {
		for (const signal of SIGNALS) process.off(signal, onSignal);
	}
}
