import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { buildPlan } from '../../src/plan/build.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { canSignify } from '../fetch/servers.ts';
import { type BareTree, canEnterTrees, makeBareTree } from '../lab/bare-tree.ts';
import { publicKeyText, signedGzip, signedList } from '../lab/keys.ts';
import { inPlace, makeFacts, makeOptions, makeTarget } from './make.ts';

const NEW = 'etc/signify/openbsd-78-base.pub';
const hash = (data: Buffer | string): string => createHash('sha256').update(data).digest('hex');
const archive = (name: string): Buffer => {
	const dir = mkdtempSync(join(tmpdir(), 'bsdup-keys-'));
	writeFileSync(join(dir, name), publicKeyText('78'));
	const bytes = execFileSync('tar', ['-czf', '-', '-C', dir, name]);
	rmSync(dir, { recursive: true });
	return bytes;
};

let on: BareTree;
beforeEach(() => {
	on = makeBareTree('7.7');
	rmSync(join(on.dir, NEW));
});
afterEach(() => on.destroy());

/** A plan whose list is signed with the key that the host lacks; the bundle is laid as the step before leaves it. */
function planned(bundle: Buffer): Plan {
	const files = { bsd: 'one', 'bsd.mp': 'many', 'bsd.rd': 'install', BUILDINFO: 'Build date: 1 - x\n', 'base78.tgz': 'base' };
	const target = makeTarget('7.8', {
		files: Object.entries(files).map(([name, data]) => ({ name, sha256: hash(data), size: data.length })),
		keyBundle: {
			file: 'sigbundle-77.tgz',
			url: 'http://x/sigbundle-77.tgz',
			sha256: hash(bundle),
			size: bundle.length,
			key: 'openbsd-77-base.pub',
		},
	});
	target.list.text = signedList('78', target.files.map(({ name, sha256 }) => `SHA256 (${name}) = ${sha256}\n`).join(''));
	target.list.sha256 = hash(target.list.text);
	const plan = buildPlan(inPlace, makeFacts({ sets: ['base'] }), target, makeOptions(), 'in-place');
	on.lay({ dirs: ['usr/rel', plan.dir] });
	for (const [name, data] of Object.entries({ ...files, 'SHA256.sig': target.list.text, 'sigbundle-77.tgz': bundle }))
		writeFileSync(join(on.dir, 'usr/rel', name), data);
	return plan;
}

const step = (plan: Plan, id: string): Plan['steps'][number] => plan.steps.find((one) => one.id === id) ?? expect.fail(`no step ${id}`);
/** Runs lines as the runner does: in one shell, `sh -e`. */
function run(lines: string): { status: number | null; said: string } {
	writeFileSync(join(on.dir, 'work'), lines);
	const { status, stdout, stderr } = on.run('sh -e /work');
	return { status, said: stdout + stderr };
}

describe.skipIf(!canEnterTrees || !canSignify)('the key that a host lacks (needs signify, and root or user namespaces)', () => {
	test('is laid there from the bundle that its older key proves, and the list proven with it', () => {
		const plan = planned(signedGzip('77', archive('openbsd-78-base.pub')));
		expect(plan.fetch.filter(({ step: id }) => id === 'key-fetch').map(({ name }) => name)).toEqual(['sigbundle-77.tgz']);
		expect(step(plan, 'key-fetch').commands.join('\n')).toContain('ftp -o sigbundle-77.tgz http://x/sigbundle-77.tgz');
		expect(step(plan, 'signature').needs).toContain('key');
		const { commands, done, undo } = step(plan, 'key');
		expect(run(step(plan, 'signature').commands.join('\n')).status).not.toBe(0);
		expect(run(done).status).not.toBe(0);
		expect(run(commands.join('\n'))).toMatchObject({ status: 0 });
		expect(readFileSync(join(on.dir, NEW), 'utf8')).toBe(publicKeyText('78'));
		expect(run(done).status).toBe(0);
		expect(run(step(plan, 'signature').commands.join('\n'))).toMatchObject({ status: 0, said: expect.stringContaining('base78.tgz: OK') });
		run(undo);
		expect(existsSync(join(on.dir, NEW))).toBe(false);
	});

	test('has its name only when it is whole', () => {
		const { commands } = step(planned(signedGzip('77', archive('openbsd-78-base.pub'))), 'key');
		const cut = 'cp() { head -c 10 "$1" >"$2"; exit 1; }';
		expect(run([cut, ...commands].join('\n')).status).toBe(1);
		expect(existsSync(join(on.dir, NEW))).toBe(false);
		expect(run(commands.join('\n')).status).toBe(0);
		expect(readFileSync(join(on.dir, NEW), 'utf8')).toBe(publicKeyText('78'));
	});

	test.each<[string, () => Buffer]>([
		['another key signed', () => signedGzip('76', archive('openbsd-78-base.pub'))],
		['was changed', () => Buffer.concat([signedGzip('77', archive('openbsd-78-base.pub')).subarray(0, -9), Buffer.alloc(9, 'x')])],
		['does not hold it', () => signedGzip('77', archive('openbsd-79-base.pub'))],
	])('is not taken from a bundle that %s', (_name, make) => {
		expect(run(step(planned(make()), 'key').commands.join('\n')).status).not.toBe(0);
		expect(existsSync(join(on.dir, NEW))).toBe(false);
	});

	test('is not asked for in a bundle that came with other bytes: it is fetched again', () => {
		const plan = planned(signedGzip('77', archive('openbsd-78-base.pub')));
		const whole = readFileSync(join(on.dir, 'usr/rel/sigbundle-77.tgz'));
		writeFileSync(join(on.dir, 'usr/rel/sigbundle-77.tgz'), 'x');
		on.lay({ programs: { ftp: 'cp /mirror "$2"' }, files: { mirror: '<html>a login page</html>' } });
		const lines = step(plan, 'key-fetch').commands.join('\n');
		expect(run(lines)).toMatchObject({ status: 1, said: expect.stringContaining('sigbundle-77.tgz: not what it was') });
		writeFileSync(join(on.dir, 'mirror'), whole);
		expect(run(lines).status).toBe(0);
	});

	test('is no step where the host has the key', () => {
		const plan = buildPlan(inPlace, makeFacts(), makeTarget('7.8'), makeOptions(), 'in-place');
		expect(plan.steps.map(({ id }) => id)).not.toContain('key');
		expect(plan.fetch.some(({ step: id }) => id === 'key-fetch')).toBe(false);
	});
});
