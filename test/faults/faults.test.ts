import { describe, expect, test } from 'vitest';
import { LAB, NEEDS_DISK } from '../lab/ability.ts';
import { casesOf, runCases, sampleOf } from './cases.ts';
import { Scene } from './scene.ts';
import { learn } from './survive.ts';
import { titleOf, upgrades } from './upgrades.ts';

const SEED = Number(process.env['BSDUP_SEED'] ?? 1);
const LIMIT_MS = 600_000;

/** Over SSH, by the script alone, and what can be taken back to its end; the others are cut by `npm run faults` alone. */
const SAMPLED = ['7.7 to 7.8, in-place, ssh', '4.9 to 4.9-newer, in-place, console', '14.3-RELEASE to 15.0-RELEASE, boot-environment, ssh'];
const samples = upgrades()
	.map((upgrade) => ({ title: titleOf(upgrade), upgrade }))
	.filter(({ title }) => SAMPLED.includes(title));

describe.skipIf(LAB !== 'root')(`an upgrade that is cut anywhere, in any way (${NEEDS_DISK})`, () => {
	test.concurrent.each(samples)(
		`is finished, and leaves what an uninterrupted one does: $title, a case of seed ${SEED}`,
		async ({ upgrade }) => {
			const scene = new Scene(upgrade);
			await scene.open();
			try {
				const reference = await learn(scene);
				const cases = sampleOf(casesOf(reference.points, upgrade.over), 1, SEED);
				const lost = (await runCases(scene, reference, cases, 1)).filter(({ faults }) => faults.length > 0);
				expect(
					lost.map(({ number, kind, point, faults }) => [
						`npm run faults -- --from ${upgrade.from} --method ${upgrade.method} --over ${upgrade.over} --case ${number}`,
						kind,
						point.title,
						...faults,
					]),
				).toEqual([]);
			} finally {
				await scene.close();
			}
		},
		LIMIT_MS,
	);
});
