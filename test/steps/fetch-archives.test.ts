import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { entryPath } from '../../src/cache/place.ts';
import type { StepContext } from '../../src/steps/context.ts';
import { runFetch } from '../../src/steps/fetch.ts';
import { makeHostile } from '../fetch/hostile.ts';
import { makeStep } from '../host/host-program.ts';
import { makeTarget } from '../plan/make.ts';

let top: string;
beforeEach(() => {
	top = mkdtempSync(join(tmpdir(), 'bsdup-fetch-'));
});
afterEach(() => rmSync(top, { recursive: true, force: true }));

describe('the fetch of sets', () => {
	const evil = { title: '', says: null, make: ['mkdir usr', 'echo x >usr/x', 'tar -czf set.tgz -P --transform "s,^usr/,../," usr/x'] };

	test('brings nothing to the host that would leave the tree it is unpacked in', async () => {
		const bytes = makeHostile(evil);
		writeFileSync(join(top, 'base78.tgz'), bytes);
		const file = { step: 'fetch', name: 'base78.tgz', urls: [join(top, 'base78.tgz')], size: bytes.length };
		const pushed: string[] = [];
		const context = {
			plan: { fetch: [{ ...file, sha256: createHash('sha256').update(bytes).digest('hex') }], target: makeTarget('7.8'), sets: '/usr/rel' },
			...{
				cache: { dir: join(top, 'cache'), maxBytes: 1 << 30 },
				logins: [],
				bandwidth: null,
				signal: new AbortController().signal,
				emit: () => {},
			},
			host: { settle: async () => false },
			transport: { local: false, push: async (path: string) => void pushed.push(path) },
			link: { run: async () => ({ stdout: '' }), retry: (work: () => unknown) => work() },
		} as unknown as StepContext;
		await expect(runFetch(makeStep('fetch', [], { kind: 'fetch' }), context)).rejects.toMatchObject({
			code: 'E_ARCHIVE',
			message: expect.stringContaining('base78.tgz: "../x" leaves the tree'),
		});
		expect(pushed).toEqual([]);
		expect(existsSync(entryPath(join(top, 'cache'), createHash('sha256').update(bytes).digest('hex')))).toBe(true);
	});
});
