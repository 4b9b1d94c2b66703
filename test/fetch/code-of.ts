/** The code of the error that `work` throws; what else it throws passes. */
export function codeOf(work: () => unknown): string {
	try {
		work();
		return 'no error';
	} catch (error) {
		const { code } = error as { code?: string };
		if (code === undefined) throw error;
		return code;
	}
}
