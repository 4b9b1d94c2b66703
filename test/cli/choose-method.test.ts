import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { chooseMethod, methodsFor } from '../../src/cli/choose-method.ts';
import type { MadePlan } from '../../src/cli/make-plan.ts';
import { BsdupError } from '../../src/errors.ts';
import { buildPlan } from '../../src/plan/build.ts';
import { planText } from '../../src/plan/text.ts';
import type { Transport } from '../../src/transport/transport.ts';
import { ROOT } from '../lab/root.ts';
import { makeFacts, makeOptions, makeTarget } from '../plan/make.ts';

const shipped = (release: string, asked?: string) => methodsFor(join(ROOT, 'manifests'), makeFacts({ release }), makeOptions(), asked);

/** Chooses for a 7.7 host on whose live checks `against` names what speaks against which method. */
async function choose(against: Record<string, string>): Promise<MadePlan> {
	const live = { run: async (script: string) => ({ code: script === '' ? 0 : 1, signal: null, stdout: script, stderr: '' }) };
	return chooseMethod(
		await shipped('7.7'),
		async ({ name, manifest }, chosen) => {
			const says = against[manifest.method];
			const plan = buildPlan(manifest, makeFacts(), makeTarget('7.8'), makeOptions(chosen), name);
			return { plan, findings: [], checks: says === undefined ? [] : [`finding: a: ${says}\n  mend it\n`] };
		},
		live as unknown as Transport,
	);
}

const planned = async (against: Record<string, string>) => {
	const { plan } = await choose(against);
	if (plan instanceof BsdupError) throw plan;
	return { manifest: plan.manifest, text: planText(plan) };
};

describe('the method', () => {
	test.each([
		['7.7', ['openbsd/ramdisk', 'openbsd/in-place']],
		['6.6', ['openbsd/ramdisk', 'openbsd/in-place']],
		['6.5', ['openbsd/in-place']],
	])('of a %s host is one of %j', async (release, names) => {
		expect((await shipped(release)).map(({ name }) => name)).toEqual(names);
	});

	test('is the one asked for, or an error that names those there are; never the way to a backup', async () => {
		expect((await shipped('7.7', 'in-place')).map(({ name }) => name)).toEqual(['openbsd/in-place']);
		const next = expect.arrayContaining(['--method ramdisk', '--method in-place']) as string[];
		for (const asked of ['none', 'backup', '../openbsd/in-place'])
			await expect(shipped('7.7', asked)).rejects.toMatchObject({ code: 'E_METHOD', exit: 2, next });
	});

	test('is the preferred one, and the plan says why', async () => {
		const { manifest, text } = await planned({});
		expect(manifest).toBe('openbsd/ramdisk');
		expect(text).toContain('\nMethod ramdisk: nothing of the system runs while its files are replaced. ');
	});

	test('is another where the host speaks against the preferred one, and the plan says what', async () => {
		const { manifest, text } = await planned({ ramdisk: 'the root is elsewhere' });
		expect(manifest).toBe('openbsd/in-place');
		expect(text).toContain('\nMethod in-place: not by ramdisk: the root is elsewhere. ');
	});

	test('where all are spoken against is the preferred one, with what speaks against it', async () => {
		const { plan, checks } = await choose({ ramdisk: 'not root', 'in-place': 'not root' });
		expect(plan).toMatchObject({ manifest: 'openbsd/ramdisk' });
		expect(checks.join()).toContain('not root');
	});
});
