import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { loadSetsManifest } from '../../src/manifest/load.ts';
import { buildPlan } from '../../src/plan/build.ts';
import { type BareTree, canEnterTrees, makeBareTree } from '../lab/bare-tree.ts';
import { ROOT } from '../lab/root.ts';
import { makeDistTarget, makeFacts, makeOptions } from './make.ts';
import { linesOf, runLines } from './run-step.ts';

const manifest = await loadSetsManifest(join(ROOT, 'manifests/freebsd/boot-environment.yaml'));
const facts = makeFacts({ system: 'FreeBSD', release: '14.3', rootDisk: 'zroot/ROOT/default' });
const target = makeDistTarget('15.0', ['kernel', 'base', 'src']);
const plan = buildPlan(manifest, facts, target, makeOptions({ backup: null }), 'freebsd/boot-environment');

let tree: BareTree | undefined;
afterEach(() => tree?.destroy());

describe.skipIf(!canEnterTrees)('the merge of /etc in a boot environment (needs root or user namespaces)', () => {
	test('that was cut off tells all the same what etcupdate warned of before, and does not warn of again', () => {
		const on = makeBareTree('14.3-RELEASE');
		tree = on;
		const be = `${plan.dir.slice(1)}/be`;
		const source = `${plan.sets.slice(1)}/tree/usr/src/etcfiles`;
		on.lay({
			files: {
				[`${be}/etc/mail/aliases`]: 'root: ann\n',
				[`${be}/var/db/etcupdate/current/etc/mail/aliases`]: 'root: ann\n',
				[`${plan.dir}/room.sh`]: '',
				'etc/mail/aliases': 'root: ann\n',
				[`${source}/etc/mail/aliases`]: 'root: ann\nsshd: root\n',
			},
			programs: { mount: `echo 'zroot/ROOT/15.0 on ${plan.dir}/be (zfs)'` },
		});
		expect(runLines(on, linesOf(plan, 'rules'))).toMatchObject({ status: 0 });
		// As where the power went before what lies on the disk told that it was done.
		for (const attempt of [1, 2]) {
			expect([attempt, runLines(on, linesOf(plan, 'merge'))]).toMatchObject([attempt, { status: 0 }]);
			expect(on.run(`cat ${plan.dir}/report.hand`).stdout).toMatch(/by hand:\n *Needs update: \/etc\/mail\/aliases\.db[^\n]*\n$/);
			on.run(`rm ${plan.dir}/merge.complete`);
		}
	});

	test('that was cut off begins with /etc as it is here, so that nothing torn is taken for a change', () => {
		const on = makeBareTree('14.3-RELEASE');
		tree = on;
		const be = `${plan.dir.slice(1)}/be`;
		const source = `${plan.sets.slice(1)}/tree/usr/src/etcfiles`;
		const here = { 'etc/rc': 'old\n', 'etc/motd': 'mine\n', 'etc/empty': '' };
		on.lay({
			files: {
				...here,
				...Object.fromEntries(Object.entries(here).map(([path, text]) => [`${be}/${path}`, text])),
				[`${be}/var/db/etcupdate/current/etc/rc`]: 'old\n',
				[`${be}/var/db/etcupdate/current/etc/motd`]: 'theirs\n',
				[`${plan.dir}/room.sh`]: '',
				[`${source}/etc/rc`]: 'new\n',
				[`${source}/etc/rc.d/new`]: 'new, too\n',
				[`${source}/etc/motd`]: 'theirs\n',
			},
			programs: { mount: `echo 'zroot/ROOT/15.0 on ${plan.dir}/be (zfs)'` },
		});
		expect(runLines(on, linesOf(plan, 'rules'))).toMatchObject({ status: 0 });
		for (const torn of ['', `cd /${be}/etc; : >rc; : >rc.d/new`, `rm -r /${be}/etc`]) {
			on.run(`rm -f ${plan.dir}/merge.complete; ${torn}`);
			expect([torn, runLines(on, linesOf(plan, 'merge'))]).toMatchObject([torn, { status: 0 }]);
			expect(on.run(`cd /${be}/etc; cat rc rc.d/new motd empty`).stdout).toBe('new\nnew, too\nmine\n');
			expect(on.run(`cat ${plan.dir}/conflicts`).stdout).toBe('');
		}
	});
});
