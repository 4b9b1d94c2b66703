import { describe, expect, test } from 'vitest';
import { LAB, NEEDS_DISK } from '../lab/ability.ts';
import type { SystemName } from '../lab/system.ts';
import { casesOf, runCases, sampleOf } from './cases.ts';
import { type Over, Scene } from './scene.ts';
import { learn } from './survive.ts';

const SEED = Number(process.env['BSDUP_SEED'] ?? 1);
const AT_A_TIME = 3;
const LIMIT_MS = 600_000;

const samples: [from: SystemName, to: SystemName, over: Over, count: number][] = [
	['7.7', '7.8', 'ssh', 3],
	['7.7', '7.8', 'console', 3],
	['4.9', '4.9-newer', 'ssh', 2],
	['4.9', '4.9-newer', 'console', 2],
	['14.3-RELEASE', '15.0-RELEASE', 'ssh', 2],
];

describe.skipIf(LAB !== 'root')(`an upgrade that is cut anywhere, in any way (${NEEDS_DISK})`, () => {
	test.each(samples)(
		`is finished, and leaves what an uninterrupted one does: %s to %s, over %s, %i cases of seed ${SEED}`,
		async (from, to, over, count) => {
			const scene = new Scene(from, to, over);
			await scene.open();
			try {
				const reference = await learn(scene);
				const cases = sampleOf(casesOf(reference.points, over), count, SEED);
				const lost = (await runCases(scene, reference, cases, AT_A_TIME)).filter(({ faults }) => faults.length > 0);
				expect(lost.map(({ number, kind, point, faults }) => [`npm run faults -- --case ${number}`, kind, point.title, ...faults])).toEqual(
					[],
				);
			} finally {
				await scene.close();
			}
		},
		LIMIT_MS,
	);
});
