import { describe, expect, test } from 'vitest';
import { LAB } from '../lab/ability.ts';
import { makeWorld } from '../lab/world.ts';
import { expectWhole, MOMENTS, record, resume, until } from './cut.ts';

/** Longer than the keepalives take to find a silent connection out. Milliseconds. */
const AWAY_MS = 20_000;
/** While data comes over the wire, and while the host works by itself. */
const AWAY = MOMENTS.filter(([moment]) => moment === 'in the fetch' || moment === 'in the danger zone');
/** The others: that every way is tried at every moment is for test/faults. */
const KILLED = MOMENTS.filter((moment) => !AWAY.includes(moment));

describe.skipIf(LAB === null)('a run whose controller or network is cut (needs a practice host)', () => {
	test.concurrent.each(KILLED)('goes on after kill -9 of the controller %s, and no step acts twice', async (_moment, said) => {
		const world = await makeWorld('7.7', '7.8');
		try {
			await until(world, said, (kill) => kill('SIGKILL'));
			await resume(world);
			const once = (await record(world)).map((line) => line.replace(/^\S+ /, ''));
			for (const state of once) expect(['1 ok', '0 already', '1 already']).toContain(state);
			await expectWhole(world, []);
		} finally {
			await world.destroy();
		}
	});

	test.concurrent.each(AWAY)(
		'goes on by itself after the network was away for 20 seconds %s, and no step acts twice',
		async (_moment, said) => {
			const world = await makeWorld('7.7', '7.8');
			try {
				const { code } = await until(world, said, () => {
					world.host.cutNetwork();
					setTimeout(() => world.host.mendNetwork(), AWAY_MS);
				});
				expect(code).toBe(0);
				const once = (await record(world)).map((line) => line.replace(/^\S+ /, ''));
				for (const state of once) expect(['1 ok', '0 already', '1 already']).toContain(state);
				await expectWhole(world, []);
			} finally {
				await world.destroy();
			}
		},
	);
});
