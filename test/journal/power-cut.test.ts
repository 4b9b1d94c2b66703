import type * as Fs from 'node:fs';
import { describe, expect, test, vi } from 'vitest';
import type { Power } from './power.ts';

const cell = vi.hoisted((): { power?: Power } => ({}));
vi.mock('node:fs', async (original) => {
	const { Power } = await import('./power.ts');
	const fs = await original<typeof Fs>();
	const doors = (): typeof Fs => (cell.power ?? new Power(fs)).door();
	const names = ['openSync', 'writeSync', 'renameSync', 'linkSync', 'rmSync', 'mkdirSync', 'ftruncateSync', 'fsyncSync'] as const;
	const late = names.map((name) => [name, (...args: unknown[]) => (doors()[name] as (...args: unknown[]) => unknown)(...args)]);
	return { ...fs, ...Object.fromEntries(late), default: fs, real: fs };
});

const { holdRun } = await import('../../src/journal/hold.ts');
const { openJournal, parseJournal } = await import('../../src/journal/journal.ts');
const { encodeLine, FIRST } = await import('../../src/journal/line.ts');
const { createRun } = await import('../../src/journal/state.ts');
const { plan, tempDir } = await import('./folder.ts');
const { Power: PowerOf } = await import('./power.ts');
const { real } = (await import('node:fs')) as unknown as { real: typeof Fs };

/** Does it in a directory whose power may be cut at any operation; returns what must never be and was. */
type Scenario = (top: string, power: Power, fault: (what: string) => void) => Promise<void> | void;

const RUN = plan.run;
const journalLines = (text: string | undefined): number => parseJournal(Buffer.from(text ?? ''), 'journal').entries.length;
/** Both ways in which the names may be on the disk. */
const WAYS = [true, false];

const scenarios: Record<string, Scenario> = {
	'a run that is made is there when it begins, whole': (top, power, fault) => {
		power.onOperation = () => {
			const host = power.left(top, `a/state/${RUN}/host.json`, true);
			if (host !== undefined && !host.endsWith('}\n')) fault('host.json is there and not whole');
			if (host !== undefined && !power.left(top, `a/state/${RUN}/plan.json`, false)?.endsWith('}\n'))
				fault('host.json is there before the plan');
			const card = power.left(top, `a/state/${RUN}/RECOVERY`, false);
			if (power.left(top, `a/state/${RUN}/plan.json`, true) !== undefined && card !== plan.recovery)
				fault('the plan is there before its recovery card');
		};
		power.count();
		createRun(`${top}/a/state`, plan, 'db1', {});
		for (const eager of WAYS)
			for (const name of ['plan.json', 'host.json'])
				if (power.left(top, `a/state/${RUN}/${name}`, eager)?.endsWith('}\n') !== true) fault(`${name} is lost`);
	},
	'a line that was appended is there when append returns': (top, power, fault) => {
		createRun(top, plan, 'db1', {});
		const file = `${RUN}/journal.jsonl`;
		power.count();
		const journal = openJournal(`${top}/${file}`);
		for (let lines = 1; lines <= 3; lines++) {
			journal.append({ kind: 'step', id: 'zone', status: 'running', attempt: lines, detail: '' });
			for (const eager of WAYS) if (journalLines(power.left(top, file, eager)) !== lines) fault(`line ${lines} is lost`);
		}
		journal.close();
	},
	'a line completed after a cut is there before the next one': (top, power, fault) => {
		const file = `${top}/journal.jsonl`;
		const { text } = encodeLine({ t: 1, kind: 'end', status: 'waiting', detail: '' }, FIRST);
		real.writeFileSync(file, text.trimEnd(), { mode: 0o600 });
		power.count();
		openJournal(file).close();
		for (const eager of WAYS) if (power.left(top, 'journal.jsonl', eager)?.endsWith('}\n') !== true) fault('the newline is lost');
	},
	'a journal made by a program that was killed at once is there with its next line': (top, power, fault) => {
		real.writeFileSync(`${top}/journal.jsonl`, '', { mode: 0o600 });
		power.count();
		const journal = openJournal(`${top}/journal.jsonl`);
		journal.append({ kind: 'end', status: 'waiting', detail: '' });
		journal.close();
		if (journalLines(power.left(top, 'journal.jsonl', false)) !== 1) fault('the line is lost');
	},
	'a hold that was taken is there, whole, and never half': async (top, power, fault) => {
		power.onOperation = () => {
			if (power.left(top, 'controller.1', true) === '') fault('a holder is there without its name');
		};
		power.count();
		const letGo = await holdRun({ run: RUN, dir: top });
		for (const eager of WAYS) if (!power.left(top, 'controller.1', eager)?.includes('"pid"')) fault('the hold is lost');
		letGo();
		for (const eager of WAYS) if (power.left(top, 'controller.1', eager) !== 'released\n') fault('its end is lost');
	},
};

async function faultsOf(scenario: Scenario, broken: number): Promise<{ faults: string[]; syncs: number }> {
	const { dir, remove } = tempDir();
	const faults: string[] = [];
	const power = new PowerOf(real);
	power.broken = broken;
	cell.power = power;
	try {
		await scenario(dir, power, (what) => faults.push(what));
	} finally {
		delete cell.power;
		remove();
	}
	return { faults, syncs: power.syncs };
}

describe.skipIf(process.platform !== 'linux')('after a power cut at any instant (reads /proc/self/fd)', () => {
	test.each(Object.entries(scenarios))('%s', async (_title, scenario) => {
		const { faults, syncs } = await faultsOf(scenario, 0);
		expect(faults).toEqual([]);
		expect(syncs).toBeGreaterThan(0);
	});

	test.each(Object.entries(scenarios))('%s: no fsync of it is one too many', async (_title, scenario) => {
		const { syncs } = await faultsOf(scenario, 0);
		const idle: number[] = [];
		for (let broken = 1; broken <= syncs; broken++) if ((await faultsOf(scenario, broken)).faults.length === 0) idle.push(broken);
		expect(idle).toEqual([]);
	});
});
