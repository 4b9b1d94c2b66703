import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { buildPlan } from '../../src/plan/build.ts';
import { type BareTree, canEnterTrees, makeBareTree } from '../lab/bare-tree.ts';
import { makeSet } from '../lab/mirror.ts';
import { RELEASES } from '../lab/releases.ts';
import { setsOf } from '../lab/tree.ts';
import { inPlace, makeFacts, makeOptions, makeTarget } from './make.ts';

let tree: BareTree | undefined;
afterEach(() => tree?.destroy());

const SERVICES = '# services of 7800\nssh 22/tcp\n';
const NEW = '# new in 7.8, of more than one line\nand another\n';

/** A host that has kept its /etc, and has the /etc of the next release to merge; `run` runs a step. */
function host(unattended: boolean): { on: BareTree; run: (step: string) => string } {
	const on = makeBareTree('7.7');
	tree = on;
	const plan = buildPlan(inPlace, makeFacts(), makeTarget('7.8'), makeOptions({ unattended }), 'in-place');
	on.lay({ dirs: ['usr/rel', plan.dir] });
	const run = (id: string): string => {
		writeFileSync(join(on.dir, 'step'), plan.steps.find((step) => step.id === id)?.commands.join('\n') ?? 'exit 9');
		const { status, stdout, stderr } = on.run('sh -e /step </dev/null');
		expect([status, stderr]).toEqual([0, '']);
		return stdout;
	};
	run('keep');
	const next = [...(setsOf(RELEASES['7.8'])['etc'] ?? []), { path: 'etc/new.conf', text: NEW, mode: 0o644 }];
	writeFileSync(join(on.dir, 'var/sysmerge/etc.tgz'), makeSet(next));
	return { on, run };
}

const etcOf = (on: BareTree): string => on.run('cat /etc/services /etc/new.conf; ls /var/db/bsdup/*').stdout;

describe.skipIf(!canEnterTrees)('a merge of /etc (needs root or user namespaces)', () => {
	// sysmerge as it was when the power went: it has taken the new sums, then what a case says is all it had done.
	test.each([
		['before the first file', 'true'],
		['with nothing of a file on the disk', ': >/etc/services'],
		['with half of a file on the disk', 'printf "# services of 78" >/etc/services'],
		['with half of a new file on the disk', 'cp /whole/services /etc/services; printf "# new in" >/etc/new.conf'],
		['with nothing of the sums on the disk', ': >/var/sysmerge/etcsum'],
		['when it was done', 'cp /whole/services /etc/services; cp /whole/new.conf /etc/new.conf'],
	])('that was cut off %s is whole when it was done again', (_when, cut) => {
		const { on, run } = host(true);
		on.run(
			`cp /etc/services /services; sysmerge -b; mkdir /whole; mv /etc/new.conf /whole; cp /etc/services /whole; mv /services /etc/services; ${cut}`,
		);
		expect(run('sysmerge-batch')).toContain('---- /etc/ssh/sshd_config unhandled');
		const [etc, left] = etcOf(on).split(/(?<=and another\n)/);
		expect(etc).toBe(`${SERVICES}${NEW}`);
		expect(left?.match(/^merge\S*/gm)).toEqual(['merge.sh']);
	});

	test('asks a person no more than before it was cut off', () => {
		const { on, run } = host(false);
		on.run('cp /etc/services /services; sysmerge -b; rm /etc/new.conf; mv /services /etc/services');
		expect(run('sysmerge-modern').match(/How should I deal with this/g)).toHaveLength(1);
		expect(etcOf(on)).toContain(`${SERVICES}${NEW}`);
	});

	test('leaves what somebody changed meanwhile, though it is neither the old text nor the new', () => {
		const { on, run } = host(true);
		on.run('echo "# services of the house" >/etc/services');
		expect(run('sysmerge-batch')).toContain('---- /etc/services unhandled');
		expect(etcOf(on)).toMatch(/^# services of the house\n/);
	});
});
