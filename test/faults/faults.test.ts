import { describe, expect, test } from 'vitest';
import { LAB, NEEDS_DISK } from '../lab/ability.ts';
import { casesOf, runCases, sampleOf } from './cases.ts';
import { Scene } from './scene.ts';
import { learn } from './survive.ts';
import { titleOf, upgrades } from './upgrades.ts';

const SEED = Number(process.env['BSDUP_SEED'] ?? 1);
/** Of one upgrade; several upgrades go side by side. */
const AT_A_TIME = 1;
const LIMIT_MS = 600_000;

/** How many cases of each upgrade; the others are cut by `npm run faults` alone. */
const COUNTS: Record<string, number> = {
	'7.7 to 7.8, in-place, ssh': 1,
	'7.7 to 7.8, in-place, console': 1,
	'7.7 to 7.8, ramdisk, ssh': 1,
	'4.9 to 4.9-newer, in-place, ssh': 1,
	'4.9 to 4.9-newer, in-place, console': 1,
	'14.3-RELEASE to 15.0-RELEASE, boot-environment, ssh': 1,
	'14.3-UFS to 15.0-RELEASE, sets, ssh': 1,
	'14.3-RELEASE to 15.0-RELEASE, freebsd-update, ssh': 1,
	'15.0-pkgbase to 15.1-pkgbase, pkgbase, ssh': 1,
};
const samples = upgrades().flatMap((upgrade) => {
	const count = COUNTS[titleOf(upgrade)];
	return count === undefined ? [] : [{ title: titleOf(upgrade), upgrade, count }];
});

describe.skipIf(LAB !== 'root')(`an upgrade that is cut anywhere, in any way (${NEEDS_DISK})`, () => {
	test.concurrent.each(samples)(
		`is finished, and leaves what an uninterrupted one does: $title, $count cases of seed ${SEED}`,
		async ({ upgrade, count }) => {
			const scene = new Scene(upgrade);
			await scene.open();
			try {
				const reference = await learn(scene);
				const cases = sampleOf(casesOf(reference.points, upgrade.over), count, SEED);
				const lost = (await runCases(scene, reference, cases, AT_A_TIME)).filter(({ faults }) => faults.length > 0);
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
