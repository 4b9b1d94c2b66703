import { afterEach, describe, expect, test } from 'vitest';
import { LAB } from '../lab/ability.ts';
import { makeWorld, type World } from '../lab/world.ts';
import { differences, upgradeArgs } from './proof.ts';

let world: World | undefined;
afterEach(() => world?.destroy());

describe.skipIf(LAB === null)('a new rc that hangs at shutdown (needs a practice host)', () => {
	test('is overcome by the watchdog, with the saved programs only', async () => {
		world = await makeWorld('7.7', '7.8', { hangAtShutdown: true });
		const on = world;
		const args = [...upgradeArgs(on, '7.8').map((word) => (word === '1' ? '3' : word)), '--watchdog', '1'];
		const result = await on.bsdup(args);
		expect(result.code).toBe(0);
		expect(on.host.processLog().some((line) => line.endsWith('/bin/oreboot -q'))).toBe(true);
		expect(result.stdout).toContain('verdict: new system');
		expect(await differences(on, '7.8')).toEqual([]);
	});
});
