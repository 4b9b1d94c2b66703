import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { buildPlan } from '../../src/plan/build.ts';
import { quote } from '../../src/transport/quote.ts';
import { type BareTree, canEnterTrees, makeBareTree } from '../lab/bare-tree.ts';
import { makeSet } from '../lab/mirror.ts';
import { inPlace, makeFacts, makeOptions, makeTarget } from './make.ts';
import { linesOf, runLines } from './run-step.ts';

let tree: BareTree | undefined;
afterEach(() => tree?.destroy());

const AIRPORTS = { path: 'usr/share/misc/airport', text: 'SXF\n', mode: 0o644 };
const ARCHIVE = { path: 'usr/share/compile.tgz', text: 'what the kernel is linked of\n', mode: 0o644 };

/** What is relinked at boot, with its parts (rc of 2026). */
const RELINKED = { path: 'usr/sbin/smtpd', text: 'as of the set\n', mode: 0o555 };
const PARTS = { path: 'usr/share/relink/usr/sbin/smtpd/smtpd.tar', text: 'its parts\n', mode: 0o444 };

/** A host that has come to 6.2, whose set holds these; `before` is done to it, in the directory of the run; runs the last step. */
function prove(before: string, more: Parameters<typeof makeSet>[0] = []): ReturnType<typeof runLines> {
	const on = makeBareTree('7.8');
	tree = on;
	const plan = buildPlan(inPlace, makeFacts({ release: '6.1', sets: ['base'] }), makeTarget('6.2'), makeOptions(), 'in-place');
	on.lay({ dirs: [plan.dir, plan.sets], files: { [AIRPORTS.path]: AIRPORTS.text } });
	writeFileSync(join(on.dir, plan.sets, 'base62.tgz'), makeSet([AIRPORTS, ARCHIVE, ...more]));
	expect(on.run(`cp /bsd ${plan.sets}/bsd.mp; cd ${plan.dir}; ${before}`).stderr).toBe('');
	return runLines(on, linesOf(plan, 'prove'));
}

describe.skipIf(!canEnterTrees)('the proof (needs root or user namespaces)', () => {
	test('passes over what 6.2 links its kernel of, which is unpacked and removed at boot', () => {
		expect(prove('true')).toMatchObject({ status: 0, stdout: expect.stringContaining('proven: OpenBSD') });
	});

	test('passes over what has its parts below relink, and nothing beside it', () => {
		expect(prove('mkdir -p /usr/sbin; echo relinked >/usr/sbin/smtpd', [RELINKED, PARTS])).toMatchObject({ status: 0 });
		tree?.destroy();
		expect(prove('mkdir -p /usr/sbin; echo torn >/usr/sbin/smtpd', [RELINKED])).toMatchObject({
			status: 1,
			stdout: expect.stringMatching(/these differ from the sets:\n\/usr\/sbin\/smtpd\n$/),
		});
	});

	test('passes over the index of the manual, which is made anew every week', () => {
		const index = { path: 'usr/X11R6/man/mandoc.db', text: 'all pages\n', mode: 0o644 };
		expect(prove('mkdir -p /usr/X11R6/man; echo some >/usr/X11R6/man/mandoc.db', [index])).toMatchObject({ status: 0 });
	});

	test('unpacks a set where there is room for it, else says what is missing', () => {
		const df = (sets: number): string =>
			`of() { echo '/dev/sd0e 9000 9'" $1 "'1% /somewhere'; }; case "$*" in *rel*) of ${sets} ;; *) of 3 ;; esac`;
		const lay = (sets: number): string => `printf '%s\\n' ${quote(df(sets))} >/lab/stand-ins/df`;
		expect(prove(lay(9000))).toMatchObject({ status: 0 });
		tree?.destroy();
		expect(prove(lay(2))).toMatchObject({
			status: 1,
			stdout: expect.stringMatching(/^base62\.tgz: \/var\/db\/bsdup\/\S+ has no room to unpack it to compare, 1 MiB are needed/m),
		});
	});

	test.each(['/usr/share/compile/GENERIC.MP/vers.o', '/usr/share/relink/kernel/GENERIC.MP/vers.o'])(
		'takes a kernel that was relinked from the patched %s for the one installed',
		(part) => {
			expect(prove(`echo ${part} >patched; sed -i 's/#54:/#1:/' /bsd /lab/run/version`)).toMatchObject({ status: 0 });
		},
	);

	test('does not take another kernel for the one installed', () => {
		expect(prove("sed -i 's/#54:/#1:/' /bsd /lab/run/version")).toMatchObject({
			status: 1,
			stdout: expect.stringContaining('the running kernel is not the one installed\n'),
		});
	});

	test.each([
		['merged by hand', 'true'],
		['with 0 files left to merge', ': >sysmerge.out'],
		['with 1 files left to merge', "echo '---- /etc/x unhandled' >report.sysmerge; : >sysmerge.out"],
	])('tells that /etc is %s', (told, before) => {
		expect(prove(before).stdout).toMatch(new RegExp(`^/dev by its MAKEDEV; /etc ${told}; `, 'm'));
	});
});
