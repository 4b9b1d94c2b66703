import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type MadePlan, makePlan, type PlanRequest } from '../../src/cli/make-plan.ts';
import { BsdupError } from '../../src/errors.ts';
import { Plan } from '../../src/plan/plan.ts';
import { planText } from '../../src/plan/text.ts';
import { ROOT } from '../lab/root.ts';
import { makeFacts } from '../plan/make.ts';

const MANIFEST = `format: 1
system: OpenBSD
method: own
title: by a tool of its own
eras:
  - { name: "all", running: ">=7.0", usrFree: 1 }
bootTime: echo 1
checks:
  - { id: room, test: "test {{version}} = 7.8", says: no room, fix: make room }
steps:
  - { id: confirm, title: Confirm, kind: confirm, timeout: 1m, stays: nothing }
  - { id: go, title: Go, needs: [confirm], timeout: 1m, danger: no-return, is: [release], run: "own-tool {{version}}" }
recovery: sh {{dir}}/resume.sh
`;

describe('a method whose tool on the host fetches by itself', () => {
	let dir = '';
	beforeAll(() => {
		dir = mkdtempSync(join(tmpdir(), 'bsdup-own-'));
		writeFileSync(join(dir, 'own.yaml'), MANIFEST);
		writeFileSync(join(dir, 'facts.json'), JSON.stringify(makeFacts()));
	});
	afterAll(() => rmSync(dir, { recursive: true, force: true }));

	const made = (more: Partial<PlanRequest> = {}): Promise<MadePlan> =>
		makePlan(
			{
				to: '7.8',
				manifest: join(dir, 'own.yaml'),
				facts: join(dir, 'facts.json'),
				'no-backup': true,
				unattended: false,
				...more,
			} as PlanRequest,
			undefined,
			ROOT,
		);

	test('has a plan without asking any mirror, which names the release and no sets', async () => {
		const { plan, findings, checks } = await made();
		if (plan instanceof BsdupError) throw plan;
		expect(findings).toEqual([]);
		expect(plan.target).toEqual({ name: '7.8', kind: 'release', version: '7.8', arch: 'amd64' });
		expect(plan.steps.map(({ commands }) => commands)).toEqual([
			["echo 'About to go to 7.8 and to reboot.'", "echo 'There is NO backup.'"],
			['own-tool 7.8'],
		]);
		expect(checks).toContain('test 7.8 = 7.8');
		expect(planText(plan)).not.toContain('sets from');
		expect(Plan.parse(JSON.parse(JSON.stringify(plan)))).toEqual(plan);
	});

	test('refuses what it would leave unused: --mirror, --trusted-list, --sets', async () => {
		const { findings } = await made({ mirror: ['https://mirror.example.org/pub'], 'trusted-list': 'list', sets: '/big' });
		expect(findings.map(({ id, fix }) => [id, fix])).toEqual([
			['no-mirror', 'leave out --mirror'],
			['no-trusted-list', 'leave out --trusted-list'],
			['no-sets', 'leave out --sets'],
		]);
	});

	test('goes to no snapshot', async () => {
		await expect(made({ to: 'snapshot' })).rejects.toMatchObject({ code: 'E_USAGE', message: 'own goes to releases only' });
	});

	test('goes over several releases one by one, each planned anew', async () => {
		const { plan } = await made({ to: '7.9' });
		if (plan instanceof BsdupError) throw plan;
		expect(plan.onward?.hops).toMatchObject([{ to: '7.9', list: null }]);
	});
});
