/**
 * The two lines every file of signify(1) begins with: `untrusted comment: …`, then base64 of an algorithm (`Ed`), a key number of
 * eight bytes and a body. What is taken and what is not is what signify itself takes: its base64 may hold white space and the
 * first of two `=` may be the last, but the bits that are left over must be zero, and nothing may follow.
 */

const COMMENT = 'untrusted comment: ';
const NEWLINE = 10;
const WHITE = '[ \\t\\n\\v\\f\\r]';
const BASE64 = new RegExp(`^(?:${WHITE}*[A-Za-z0-9+/])+(?:${WHITE}*=){0,2}${WHITE}*$`);

/** A key or a signature as signify(1) writes it, taken apart. */
export interface SignifyFile {
	/** What follows `untrusted comment: `. */
	comment: string;
	/** The key number. */
	number: Buffer;
	body: Buffer;
	/** What follows the second line. */
	rest: Buffer;
}

/** Parses the two lines; `length`: bytes of the body. Returns in one clause what is wrong with it where it cannot. */
export function parseSignify(bytes: Buffer, length: number): SignifyFile | string {
	const comment = lineOf(bytes, 0);
	if (comment === null || comment.length <= COMMENT.length || !comment.startsWith(COMMENT)) return 'its first line is no comment';
	const encoded = lineOf(bytes, comment.length + 1);
	if (encoded === null) return 'it ends before its second line does';
	const data = decode(encoded);
	if (data === null || data.length !== 10 + length) return 'its second line is not base64 of the right length';
	if (data.subarray(0, 2).toString('latin1') !== 'Ed') return 'it is not Ed25519';
	const rest = bytes.subarray(comment.length + encoded.length + 2);
	return { comment: comment.slice(COMMENT.length), number: data.subarray(2, 10), body: data.subarray(10), rest };
}

/** A line, a character for each byte; null where a NUL or the end of the file comes before its own end, as for strchr(3). */
function lineOf(bytes: Buffer, from: number): string | null {
	const end = bytes.indexOf(NEWLINE, from);
	const line = end === -1 ? '\0' : bytes.toString('latin1', from, end);
	return line.includes('\0') ? null : line;
}

/** As b64_pton(3), where Node's own decoder takes nearly anything. */
function decode(line: string): Buffer | null {
	if (!BASE64.test(line)) return null;
	const [digits = '', pad = ''] = line.replaceAll(new RegExp(WHITE, 'g'), '').split(/(=.*)/);
	const bytes = Buffer.from(digits, 'base64');
	const canonical = bytes.toString('base64');
	return canonical.startsWith(digits) && canonical.slice(digits.length) === pad ? bytes : null;
}
