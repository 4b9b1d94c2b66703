import { describe, expect, test } from 'vitest';
import { LAB, NEEDS_DISK } from '../lab/ability.ts';
import { casesOf, runCases, sampleOf } from './cases.ts';
import { Scene } from './scene.ts';
import { learn } from './survive.ts';
import { titleOf, upgrades } from './upgrades.ts';

const SEED = Number(process.env['BSDUP_SEED'] ?? 1);
const LIMIT_MS = 600_000;

/** Each method over SSH, and the script alone on an old system; the others are cut by `npm run faults` alone. */
const samples = upgrades().filter(
	({ method, from, over }, index, all) => index === all.findIndex((one) => one.method === method) || (from === '4.9' && over === 'console'),
);

describe.skipIf(LAB !== 'root')(`an upgrade that is cut anywhere, in any way (${NEEDS_DISK})`, () => {
	for (const upgrade of samples) {
		const title = `is finished, and leaves what an uninterrupted one does: ${titleOf(upgrade)}, a case of seed ${SEED}`;
		test.concurrent(title, { timeout: LIMIT_MS }, async () => {
			const scene = new Scene(upgrade);
			await scene.open();
			try {
				const reference = await learn(scene);
				const cases = sampleOf(casesOf(reference.points, upgrade.over), 1, SEED);
				const lost = (await runCases(scene, reference, cases, 1)).filter(({ faults }) => faults.length > 0);
				expect(
					lost.map(({ case: { number, kind, point }, faults }) => [
						`npm run faults -- --from ${upgrade.from} --method ${upgrade.method} --over ${upgrade.over} --case ${number}`,
						kind,
						point.title,
						...faults,
					]),
				).toEqual([]);
			} finally {
				await scene.close();
			}
		});
	}
});
