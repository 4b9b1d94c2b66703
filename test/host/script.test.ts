import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { renderScript } from '../../src/host/script.ts';
import { buildPlan } from '../../src/plan/build.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { undoSteps } from '../../src/plan/undo.ts';
import { inPlace, makeFacts, makeOptions, makeTarget } from '../plan/make.ts';
import { HostProgram, makeStep, SHELLS } from './host-program.ts';

const orders = new URL('../plan/orders/', import.meta.url);
const plans = readdirSync(orders).map((name): [string, Plan] => {
	const { from, to, kind, options } = JSON.parse(readFileSync(new URL(name, orders), 'utf8'));
	return [
		name.replace('.json', ''),
		buildPlan(inPlace, makeFacts({ release: from }), makeTarget(to, { kind }), makeOptions(options), 'in-place'),
	];
});

describe('the script of a plan', () => {
	test.each(plans.flatMap(([name, plan]) => SHELLS.map((shell) => [name, shell, plan] as const)))(
		'%s is read by %s',
		(_name, shell, plan) => {
			const { status, stderr } = spawnSync(shell, ['-n'], { input: renderScript(plan), encoding: 'utf8' });
			expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
		},
	);

	test.each(plans)('%s has each step as a script that sh reads', (_name, plan) => {
		for (const { id, commands, done, proof } of [...plan.steps, ...undoSteps(plan)]) {
			for (const text of [commands.join('\n'), done, proof]) {
				const { status, stderr } = spawnSync('sh', ['-n'], { input: text, encoding: 'utf8' });
				expect({ id, status, stderr }).toEqual({ id, status: 0, stderr: '' });
			}
		}
	});

	test.each(SHELLS)('gives every command back byte for byte, in %s', (shell) => {
		const texts = ['END', 'END_', "it's $HOME `id` \\", '  two  spaces', '\ttab', 'two\nlines', 'ünïcode'];
		const host = new HostProgram(() => [makeStep('odd', texts, { title: "it's $(id) `id`" })], { shell });
		try {
			const script = renderScript(host.plan()).replace(/^verb=[\s\S]*/m, 'text_commands odd; info odd; printf %s "$title"');
			const { stdout } = spawnSync(shell, ['-s'], { input: script, encoding: 'utf8' });
			expect(stdout).toBe(`${texts.join('\n')}\nit's $(id) \`id\``);
		} finally {
			host.remove();
		}
	});

	test('cannot be changed by a title with line feeds', () => {
		const plan = { ...(plans[0]?.[1] as Plan), title: 'x\nreboot\r\nreboot' };
		expect(renderScript(plan).split('\n')[1]).toBe('# x?reboot??reboot');
	});
});
