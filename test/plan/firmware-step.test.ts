import { afterEach, describe, expect, test } from 'vitest';
import { buildPlan } from '../../src/plan/build.ts';
import { type BareTree, canEnterTrees, makeBareTree } from '../lab/bare-tree.ts';
import { inPlace, makeFacts, makeOptions, makeTarget, ramdisk } from './make.ts';
import { linesOf, runLines } from './run-step.ts';

let tree: BareTree | undefined;
afterEach(() => tree?.destroy());

/** Runs the step on a 7.7 whose fw_update ends so; returns what it was asked, and what is told before the last question. */
function fetchAhead(manifest: typeof ramdisk, kind: 'release' | 'snapshot', status: number, says = ''): { asked: string; told: string } {
	const on = makeBareTree('7.7');
	tree = on;
	const plan = buildPlan(manifest, makeFacts(), makeTarget('7.8', { kind }), makeOptions(), manifest.method);
	on.lay({ dirs: [plan.dir], programs: { fw_update: `echo "$VNAME $*" >>/asked; echo "${says}" >&2; exit ${status}\n` } });
	const ended = runLines(on, linesOf(plan, 'firmware-before'));
	expect(ended.status, ended.stderr).toBe(0);
	const confirm = runLines(on, linesOf(plan, 'confirm'));
	expect(confirm.status, confirm.stderr).toBe(0);
	return { asked: on.run('cat /asked').stdout, told: confirm.stdout };
}

describe.skipIf(!canEnterTrees)('the firmware of the new release (needs root or user namespaces)', () => {
	test.each([
		['ramdisk', ramdisk],
		['in-place', inPlace],
	])('is fetched before the reboot (%s), or told that it is not', (_method, manifest) => {
		const { asked, told } = fetchAhead(manifest, 'release', 0);
		expect(asked).toBe('7.8 -p http://firmware.openbsd.org/firmware/7.8/\n');
		expect(told).not.toContain('firmware');
		tree?.destroy();
		expect(fetchAhead(manifest, 'release', 1).told).toMatch(/^the firmware of 7\.8 could not be fetched/m);
	});

	test('is told as not fetched where fw_update ends well without having reached its server', () => {
		const says = 'Cannot fetch http://firmware.openbsd.org/firmware/7.3/SHA256.sig (timed out)';
		expect(fetchAhead(ramdisk, 'release', 0, says).told).toMatch(/^the firmware of 7\.8 could not be fetched/m);
	});

	test('is laid anew where the power went meanwhile, for fw_update keeps what has its name', () => {
		const on = makeBareTree('7.7');
		tree = on;
		const plan = buildPlan(inPlace, makeFacts(), makeTarget('7.8'), makeOptions(), 'in-place');
		on.lay({ dirs: [plan.dir, '/var/db/pkg/intel-firmware-1', '/var/db/pkg/quirks-7'], programs: { fw_update: 'ls /var/db/pkg >>/kept' } });
		for (const step of ['firmware-before', 'firmware']) {
			on.run('rm -f /kept; mkdir -p /var/db/pkg/intel-firmware-1');
			expect(runLines(on, linesOf(plan, step))).toMatchObject({ status: 0, stderr: '' });
			expect(on.run('cat /kept').stdout).toMatch(/^intel-firmware-1$/m);
			on.run(`rm /kept; touch ${plan.dir}/firmware.begun`);
			expect(runLines(on, linesOf(plan, step))).toMatchObject({ status: 0, stderr: '' });
			expect(on.run('cat /kept').stdout).not.toContain('firmware');
		}
	});

	test('is that of snapshots where the way is to one', () => {
		expect(fetchAhead(ramdisk, 'snapshot', 0).asked).toBe('7.8 -p http://firmware.openbsd.org/firmware/snapshots/\n');
	});

	test('is left to the new system by one that is older than 7.1', () => {
		const plan = buildPlan(ramdisk, makeFacts({ release: '7.0' }), makeTarget('7.1'), makeOptions(), 'ramdisk');
		expect(plan.steps.map(({ id }) => id)).not.toContain('firmware-before');
	});
});
