/** A terminal for tests: keeps what would be on the screen, and whether the cursor would be seen. */
export class Screen {
	readonly isTTY = true;
	readonly rows: number;
	readonly columns: number;
	cursor = true;
	/** Every byte written, in order. */
	bytes = '';
	#lines: string[] = [''];
	#row = 0;
	#column = 0;

	constructor(rows: number, columns: number) {
		this.rows = rows;
		this.columns = columns;
	}

	write = (text: string): boolean => {
		this.bytes += text;
		// biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal is driven by them
		for (const [part] of text.matchAll(/\x1b\[[0-9;?]*[A-Za-z]|\r|\n|[^\x1b\r\n]+|\x1b/g)) this.#take(part);
		return true;
	};

	/** The screen as text down to the cursor, without blank ends of lines; what is below the cursor must be blank. */
	text(): string {
		const below = this.#lines.slice(this.#row + 1).filter((line) => line !== '');
		return [...this.#lines.slice(0, this.#row + 1), ...below].map((line) => line.trimEnd()).join('\n');
	}

	/** For renderers, which want the stream. */
	stream(): NodeJS.WriteStream {
		return this as unknown as NodeJS.WriteStream;
	}

	#take(part: string): void {
		// biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal is driven by them
		const [, count = '', act] = /^\x1b\[\??([0-9;]*)([A-Za-z])$/.exec(part) ?? [];
		if (part === '\n') {
			this.#row++;
			this.#column = 0;
			this.#lines[this.#row] ??= '';
		} else if (part === '\r' || act === 'G') this.#column = 0;
		else if (act === 'A') this.#row = Math.max(0, this.#row - Number(count || '1'));
		else if (act === 'K') this.#lines[this.#row] = '';
		else if (act === 'h' || act === 'l') this.cursor = act === 'h';
		else if (act === 'm') return;
		else if (part.startsWith('\x1b')) throw new Error(`a sequence this screen does not know: ${JSON.stringify(part)}`);
		else {
			const line = (this.#lines[this.#row] ?? '').padEnd(this.#column);
			this.#lines[this.#row] = line.slice(0, this.#column) + part + line.slice(this.#column + part.length);
			this.#column += part.length;
		}
	}
}
