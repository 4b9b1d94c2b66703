import { DefaultRenderer, Listr, ListrEventManager, ListrLogger, type ListrTaskObject, ProcessOutput } from 'listr2';

/** A row of the list: listr2's task, shown and never run. */
export type Row = ListrTaskObject<unknown, typeof DefaultRenderer, typeof DefaultRenderer>;

/** One row a title, all waiting. */
export function makeRows(titles: readonly string[]): Row[] {
	const tasks = titles.map((title) => ({ title, task: (): void => {} }));
	const rows = new Listr(tasks, { exitOnError: false, registerSignalListeners: false }).tasks as unknown as Row[];
	for (const row of rows) {
		void row.check({});
		// What is over is drawn once; otherwise listr2 would listen to it anew at each drawing, ten times a second for hours.
		row.isClosed = () => row.hasFinalized();
	}
	return rows;
}

/**
 * The list on the screen, from the moment it is made until `end`. Meanwhile both streams are listr2's. A view ends for
 * good; the next one draws the same rows. Its events are its own, so that an ended view never draws again.
 */
export class View {
	readonly #rows: readonly Row[];
	readonly #drawing: DefaultRenderer;
	readonly #ready: Promise<void>;
	#drawn = false;
	#over = false;

	/** `stay`: the list is left on the screen at the end; otherwise it is wiped. */
	constructor(rows: readonly Row[], stdout: NodeJS.WriteStream, stay: boolean) {
		this.#rows = rows;
		// One line a row, or the list would outgrow the terminal, which no redrawing survives.
		const options = { clearOutput: !stay, collapseErrors: false, formatOutput: 'truncate' as const };
		const logger = new ListrLogger<never>({ useIcons: true, toStderr: [], processOutput: new ProcessOutput(stdout) });
		this.#drawing = new DefaultRenderer([...rows], { ...options, logger }, new ListrEventManager());
		this.#ready = this.#drawing.render().then(() => {
			this.#drawn = true;
			if (this.#over) this.#leave();
		});
	}

	/** Leaves the screen at once, or, where listr2 is still loading, before anything is drawn. */
	end(): void {
		if (this.#over) return;
		this.#over = true;
		if (this.#drawn) this.#leave();
	}

	/** Draws the list once and leaves it there. */
	async finish(): Promise<void> {
		await this.#ready;
		this.end();
	}

	#leave(): void {
		this.#drawing.end();
		// Each drawing listens to its rows.
		for (const row of this.#rows) row.complete();
	}
}
