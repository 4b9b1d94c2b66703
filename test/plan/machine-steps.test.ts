import { afterEach, describe, expect, test } from 'vitest';
import { buildPlan } from '../../src/plan/build.ts';
import { type BareTree, canEnterTrees, makeBareTree } from '../lab/bare-tree.ts';
import { inPlace, makeFacts, makeOptions, makeTarget } from './make.ts';
import { linesOf, runLines } from './run-step.ts';

let tree: BareTree | undefined;
afterEach(() => tree?.destroy());

/** Runs a step on a host whose program `called` is `text` (sh); how it ended, and what is told at the end of the run. */
function run(
	step: string,
	called: string,
	text: string,
	kind: 'release' | 'snapshot' = 'release',
): { status: number | null; report: string } {
	const on = makeBareTree('7.8');
	tree = on;
	const plan = buildPlan(inPlace, makeFacts(), makeTarget('7.8', { kind }), makeOptions(), 'in-place');
	on.lay({
		dirs: [plan.dir],
		files: { [`${plan.dir}/report.${step.replace('-new', '')}`]: 'of a try before\n' },
		programs: { [called]: text },
	});
	const { status } = runLines(on, linesOf(plan, step));
	return { status, report: on.run(`cat ${plan.dir}/report.*`).stdout };
}

describe.skipIf(!canEnterTrees)('the firmware (needs root or user namespaces)', () => {
	test.each(['release', 'snapshot'] as const)('of a %s is renewed, or told that it was not, where its server is not reached', (kind) => {
		const report = 'the firmware was not renewed: run fw_update when this host reaches its server\n';
		expect(run('firmware', 'fw_update', 'exit 1', kind)).toEqual({ status: 0, report });
		expect(run('firmware', 'fw_update', 'echo "fw_update: added none; updated none; kept iwm"', kind)).toEqual({ status: 0, report: '' });
	});

	test.each([
		['it reached no server', 'echo "Cannot fetch http://firmware.openbsd.org/firmware/7.2/SHA256.sig (timed out)" >&2'],
		['a file was torn', 'echo "Checksum test for iwm-firmware-20220110.tgz failed." >&2'],
		['a file did not come', 'echo "fw_update: add iwm failed (iwm-firmware-20241017.tgz); update none"'],
	])('is told as not renewed where fw_update ends well, though %s', (_what, says) => {
		const report = 'the firmware was not renewed: run fw_update when this host reaches its server\n';
		expect(run('firmware', 'fw_update', says)).toEqual({ status: 0, report });
	});
});

describe.skipIf(!canEnterTrees).each(['boot-blocks', 'boot-blocks-new'])('the step %s (needs root or user namespaces)', (step) => {
	const NONE = 'installboot writes no boot blocks on this architecture: see in INSTALL.amd64 how they are renewed, if they have to be\n';
	test.each([
		['renews them', 'echo "using first-stage /usr/mdec/biosboot"', 0, ''],
		['goes on, and tells it, where installboot knows none', 'echo "installboot: not yet implemented" >&2; exit 1', 0, NONE],
		['goes on, and tells it, where there is no installboot', 'exit 127', 0, NONE],
	])('%s', (_what, installboot, status, report) => {
		expect(run(step, 'installboot', installboot)).toEqual({ status, report });
	});

	test('fails where installboot does', () => {
		expect(run(step, 'installboot', 'echo "installboot: open: /dev/rsd0c: Operation not permitted" >&2; exit 1').status).toBe(1);
	});
});

describe.skipIf(!canEnterTrees)("the release's own changes (needs root or user namespaces)", () => {
	const LEFT =
		'user mod -L build build failed, as where /etc/login.conf is not merged and has no class build: type it again when it is (sysmerge)\n';
	test.each([
		['are made', 'default:\\\n\t:umask=022:\n\nbuild:\\\n\t:tc=default:\n', 'user mod -L build build\n', ''],
		['are told where the host has a login.conf of its own that was not merged', 'default:\\\n\t:umask=022:\n', '', LEFT],
	])('%s', (_what, login, asked, report) => {
		const on = makeBareTree('7.8');
		tree = on;
		const plan = buildPlan(inPlace, makeFacts(), makeTarget('7.8'), makeOptions(), 'in-place');
		const passwd = 'root:*:0:0::/root:/bin/ksh\nbuild:*:21:21:base and xenocara build:/var/empty:/bin/ksh\n';
		on.lay({ dirs: [plan.dir], files: { 'etc/passwd': passwd, 'etc/login.conf': login } });
		expect(runLines(on, linesOf(plan, 'release-changes')).status).toBe(0);
		expect(on.run('cat /var/log/user 2>/dev/null').stdout).toBe(asked);
		expect(on.run(`cat ${plan.dir}/report.* 2>/dev/null`).stdout).toBe(report);
	});
});
