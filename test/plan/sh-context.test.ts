import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { BsdupError } from '../../src/errors.ts';
import { expand, expandLines } from '../../src/plan/expand.ts';

// Any of these that becomes syntax makes this file.
const folder = mkdtempSync(join(tmpdir(), 'bsdup-'));
const canary = join(folder, 'made');
afterAll(() => rmSync(folder, { recursive: true }));

const sh = (script: string): string => execFileSync('sh', ['-c', script], { encoding: 'utf8' });
const act = `touch ${canary}`;
const nasty = [
	"it's",
	`$(${act})`,
	`\`${act}\``,
	`a\n${act}\n`,
	`"; ${act}; "`,
	`'; ${act}; '`,
	`'"$(${act})"'`,
	`;${act}`,
	'a b',
	'\\',
	'',
	' x  ',
];

/** sh text around a placeholder, in each place a manifest may have one. */
const places = [
	'printf "%s" {{file}}',
	'printf "%s" "a"{{file}}',
	"printf '%s' 'it'{{file}}",
	"printf '%s' 'two\nlines' {{file}}",
	`printf '%s' '"'"'"'"' {{file}}`,
	"# don't\nprintf '%s' {{file}}",
	'printf %s a#b {{file}}',
	'( printf %s $(echo {{file}}) )',
	'printf "%s" "{{file}}"',
	`printf '%s' '{{file}}'`,
	'printf "%s" "\\"{{file}}"',
	`printf "%s" "it's {{file}}"`,
	'printf %s "$(printf %s {{file}})"',
	'printf %s "$(printf %s "{{file}}")"',
	'printf %s "$(case a in a) printf %s "{{file}}" ;; esac)"',
	'printf %s "${nothing-"{{file}}"}"',
	'printf %s "${nothing-"{{dir}}{{file}}"}"',
	"printf '%s' 'one\ntwo {{file}}'",
	'printf "%s" `printf "%s" {{file}}`',
	'cat <<END\n{{file}}\nEND',
	'echo x # {{file}}\necho y',
	'printf %s "{{fileNames}}"',
];

describe('a value in sh text', () => {
	test.each(places.flatMap((text) => nasty.map((value) => [text, value] as const)))('in %j never makes %j syntax', (text, value) => {
		const words = { file: value, fileNames: [value], dir: '/d' };
		let script = '';
		try {
			script = expand(text, words);
		} catch (error) {
			expect(error).toMatchObject({ code: 'E_VALUE', exit: 2 });
		}
		sh(script);
		expect(existsSync(canary)).toBe(false);
	});

	test.each(places)('in %j is let in when it is plain', (text) => {
		expect(sh(expand(text, { file: 'v', fileNames: ['v'], dir: 'd' }))).toContain(text.includes('# {{file}}') ? 'y' : 'v');
	});

	test.each(nasty)('%j arrives whole where it stands by itself', (value) => {
		for (const text of places.slice(0, 1)) expect(sh(expand(text, { file: value }))).toBe(value);
		expect(sh(expand("printf '[%s]' {{fileNames}}", { fileNames: [value, 'b'] }))).toBe(`[${value}][b]`);
	});

	test('with line feeds and blanks stays whole when the text is cut into lines', () => {
		const lines = expandLines('x=1\n\nprintf "%s" {{file}}  \n', { file: 'a \n\n b ' });
		expect(lines).toHaveLength(2);
		expect(sh(lines.join('\n'))).toBe('a \n\n b ');
	});

	test('is judged by quotes opened on an earlier line', () => {
		expect(() => expandLines("echo 'one\n{{file}}'", { file: '$(id)' })).toThrow(BsdupError);
		expect(expandLines("echo 'one\n{{file}}'", { file: 'plain' })).toEqual(["echo 'one", "plain'"]);
	});
});
