import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ROOT } from '../lab/root.ts';
import { type Talk, talk } from '../lab/terminal.ts';

/** What a program that asks says, where a person types `answer`. */
function asked(answer: string): Promise<Talk> {
	const [ask, stop] = ['open-host.js', 'stop-signal.js'].map((file) => JSON.stringify(join(ROOT, 'dist/src/cli', file)));
	const program = [
		`const { ask } = await import(${ask});`,
		`const { stopSignal } = await import(${stop});`,
		'const stop = stopSignal();',
		`const said = await ask('Go on? Type yes: ').catch((error) => error.code);`,
		"console.log('said', JSON.stringify(said), stop.by ?? 'no signal');",
		'process.exit(0);',
	];
	return talk([process.execPath, '--input-type=module', '-e', program.join('\n')], [['Go on? Type yes: ', answer]]);
}

/** What a program that asks for a secret is told, where a person types `answer`. */
function told(answer: string): Promise<Talk> {
	const program = [
		`const { askSecret } = await import(${JSON.stringify(join(ROOT, 'dist/src/cli/open-host.js'))});`,
		"console.log('told', JSON.stringify(await askSecret('password: ').catch((error) => error.code)));",
		'process.exit(0);',
	];
	return talk([process.execPath, '--input-type=module', '-e', program.join('\n')], [['password: ', answer]]);
}

describe.skipIf(!existsSync('/usr/bin/script'))('a question at a terminal (needs script)', () => {
	test.each([
		['yes', 'said "yes" no signal'],
		['\x03', 'said "E_INTERRUPTED" SIGINT'],
		['\x04', 'said "" no signal'],
	])('answered by %j: %s', async (answer, said) => {
		expect((await asked(answer)).shown).toContain(said);
	});

	test.each([
		['open', 'told "open"'],
		['opem\x7fn', 'told "open"'],
		['opem\bn', 'told "open"'],
		['opem\x15open', 'told "open"'],
		['open\x04', 'told "open"'],
		['open\x03', 'told "E_INTERRUPTED"'],
	])('for a secret is answered by %j: %s', async (answer, says) => {
		const { shown } = await told(answer);
		expect(shown).toContain(says);
		expect(shown.split('told')[0]).not.toContain('open');
	});
});
