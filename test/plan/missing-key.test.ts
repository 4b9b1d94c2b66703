import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makePlan, type PlanRequest } from '../../src/cli/make-plan.ts';
import type { Facts } from '../../src/facts/facts.ts';
import { publicKeyText, signedGzip } from '../lab/keys.ts';
import { publish } from '../lab/mirror.ts';
import { ROOT } from '../lab/root.ts';
import { makeFacts } from './make.ts';

const keysOf = (...numbers: string[]): Record<string, string> =>
	Object.fromEntries(numbers.map((number) => [`openbsd-${number}-base.pub`, publicKeyText(number)]));

let top: string;
beforeAll(() => {
	top = mkdtempSync(join(tmpdir(), 'bsdup-missing-key-'));
	publish(top, '7.8');
	publish(top, '7.9-beta');
	const keys = join(top, 'keys');
	for (const dir of [keys, join(top, 'signify')]) mkdirSync(dir);
	for (const [name, text] of Object.entries(keysOf('77', '78'))) writeFileSync(join(keys, name), text);
	const archive = execFileSync('tar', ['-czf', '-', '-C', keys, ...Object.keys(keysOf('77', '78'))]);
	writeFileSync(join(top, 'signify/sigbundle-76.tgz'), signedGzip('76', archive));
});
afterAll(() => rmSync(top, { recursive: true, force: true }));

const made = (facts: Partial<Facts>, more: Partial<PlanRequest> = {}) => {
	const file = join(top, 'facts.json');
	writeFileSync(file, JSON.stringify(makeFacts(facts)));
	const flags = { backup: [], 'no-backup': true, 'no-packages': false, 'stop-forwarding': false, 'volume-size': '4000M', watchdog: 15 };
	const request = {
		...flags,
		to: '7.8',
		mirror: [top],
		method: 'in-place',
		facts: file,
		unattended: false,
		...more,
	} as unknown as PlanRequest;
	return makePlan(request, undefined, ROOT);
};

describe('a plan by the shipped manifest', () => {
	test('brings the key that the host lacks, with every command shown', async () => {
		const { plan, findings } = await made({ keys: keysOf('76', '77') });
		expect(findings).toEqual([]);
		if (plan instanceof Error) throw plan;
		const commands = plan.steps.flatMap((step) => step.commands.map((line) => `${step.id}: ${line}`));
		expect(commands).toContain(`key: signify -Vz -p /etc/signify/openbsd-76-base.pub -x sigbundle-76.tgz -m ${plan.dir}/keys.tgz`);
		expect(commands).toContain('key: mv /etc/signify/openbsd-78-base.pub.new /etc/signify/openbsd-78-base.pub');
		expect(plan.fetch.find(({ step }) => step === 'key-fetch')).toMatchObject({
			name: 'sigbundle-76.tgz',
			urls: [`${top}/signify/sigbundle-76.tgz`],
		});
	});

	test('takes an older build only with --allow-older', async () => {
		const facts = { release: '7.9', flavour: 'beta', keys: keysOf('79'), installedBuild: 1_790_000_000 } as const;
		const older = async (more: Partial<PlanRequest>) =>
			(await made(facts, { to: 'snapshot', ...more })).findings.map(({ id, severity }) => [id, severity]);
		expect(await older({})).toEqual([['older-build', 'refuse']]);
		expect(await older({ 'allow-older': true })).toEqual([['older-build', 'warn']]);
	});
});
