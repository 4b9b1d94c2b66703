import { BsdupError } from '../errors.ts';

const BLOCK = 512;

/**
 * Follows a plain tar archive (ustar, pax and GNU long names) as its bytes go by, and names its members; so a stream that was cut is
 * found, and one that is no archive. A name is told as GNU tar lists it: `\n` and the like are written, not printed.
 */
export class MemberReader {
	readonly #onMember: (name: string) => void;
	#header: Buffer = Buffer.alloc(0);
	/** Bytes of the current member's content, padding included, still to come. */
	#left = 0;
	/** Content that is kept: a long name or pax records, for the next header. */
	#kept: { type: string; size: number; parts: Buffer[] } | undefined;
	#name: string | undefined;
	#size: number | undefined;
	#zeros = 0;

	constructor(onMember: (name: string) => void) {
		this.#onMember = onMember;
	}

	/** Throws E_BACKUP_ARCHIVE where a header should be and is none. */
	push(bytes: Buffer): void {
		for (let at = 0; at < bytes.length && this.#zeros < 2; ) {
			if (this.#left > 0) {
				const piece = bytes.subarray(at, at + this.#left);
				this.#kept?.parts.push(Buffer.from(piece));
				this.#left -= piece.length;
				at += piece.length;
				if (this.#left === 0) this.#takeKept();
				continue;
			}
			const piece = bytes.subarray(at, at + BLOCK - this.#header.length);
			this.#header = this.#header.length === 0 && piece.length === BLOCK ? piece : Buffer.concat([this.#header, piece]);
			at += piece.length;
			if (this.#header.length < BLOCK) continue;
			this.#readHeader(this.#header);
			this.#header = Buffer.alloc(0);
		}
	}

	/** Throws E_BACKUP_ARCHIVE unless the archive came to its end. */
	end(): void {
		if (this.#zeros < 2) throw broken('it ends before its end');
	}

	#readHeader(header: Buffer): void {
		if (header.every((byte) => byte === 0)) {
			this.#zeros++;
			return;
		}
		this.#zeros = 0;
		const sum = header.reduce((all, byte, index) => all + (index >= 148 && index < 156 ? 32 : byte), 0);
		if (sum !== octal(header.subarray(148, 156))) throw broken('something in it is no member');
		const type = String.fromCharCode(header[156] ?? 0);
		// Links and devices have no content, whatever the field says.
		const own = /[1-6]/.test(type) ? 0 : octal(header.subarray(124, 136));
		if (/[LKxg]/.test(type)) {
			this.#kept = { type, size: own, parts: [] };
			this.#left = padded(own);
			return;
		}
		const prefix = header.subarray(257, 263).toString('latin1') === 'ustar\0' ? text(header.subarray(345, 500)) : '';
		const name = this.#name ?? `${prefix === '' ? '' : `${prefix}/`}${text(header.subarray(0, 100))}`;
		this.#onMember(escapeName(type === '5' && !name.endsWith('/') ? `${name}/` : name));
		this.#left = padded(/[1-6]/.test(type) ? 0 : (this.#size ?? own));
		this.#name = undefined;
		this.#size = undefined;
	}

	#takeKept(): void {
		if (this.#kept === undefined) return;
		const { type, size, parts } = this.#kept;
		const content = Buffer.concat(parts).subarray(0, size);
		this.#kept = undefined;
		if (type === 'L') this.#name = text(content);
		if (type !== 'x') return;
		for (let at = 0; at < content.length; ) {
			const length = Number.parseInt(content.subarray(at).toString('latin1'), 10);
			if (!(length > 0)) return;
			const record = content.subarray(at, at + length - 1).toString('utf8');
			const [, key, value = ''] = /^\d+ ([^=]+)=([\s\S]*)$/.exec(record) ?? [];
			if (key === 'path') this.#name = value;
			if (key === 'size') this.#size = Number(value);
			at += length;
		}
	}
}

function padded(bytes: number): number {
	return Math.ceil(bytes / BLOCK) * BLOCK;
}

function text(field: Buffer): string {
	const end = field.indexOf(0);
	return field.subarray(0, end < 0 ? undefined : end).toString('utf8');
}

/** Octal digits, or, where they do not suffice, GNU's base 256. */
function octal(field: Buffer): number {
	if (((field[0] ?? 0) & 0x80) !== 0) return field.subarray(1).reduce((all, byte) => all * 256 + byte, 0);
	return Number.parseInt(text(field).trim() || '0', 8);
}

const ESCAPES: Record<string, string> = { '\\': '\\\\', '\n': '\\n', '\t': '\\t', '\r': '\\r', '\b': '\\b', '\f': '\\f' };

function escapeName(name: string): string {
	return [...name].map((char) => ESCAPES[char] ?? char).join('');
}

function broken(what: string): BsdupError {
	return new BsdupError({
		code: 'E_BACKUP_ARCHIVE',
		message: `the archive from the host is not whole: ${what}`,
		state: 'The host was only read. The backup here is not finished: it has no MANIFEST.json.',
		next: ['bsdup resume'],
	});
}
