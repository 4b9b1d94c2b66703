import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mirrorTop, withLogin } from '../../src/fetch/mirror-url.ts';
import { resolveFromAny } from '../../src/fetch/resolve-any.ts';
import { publicKeyText } from '../lab/keys.ts';
import { type Mirror, publish, serveMirror } from '../lab/mirror.ts';

const DEAD = 'http://127.0.0.1:9';
let dir: string;
let mirror: Mirror;
beforeAll(async () => {
	dir = mkdtempSync(join(tmpdir(), 'bsdup-any-'));
	publish(dir, '7.8');
	mirror = await serveMirror(dir);
});
afterAll(async () => {
	await mirror.stop();
	rmSync(dir, { recursive: true, force: true });
});

const resolve = (mirrors: string[]): ReturnType<typeof resolveFromAny> =>
	resolveFromAny({
		...{ name: '7.8', arch: 'amd64', mirrors, keys: { 'openbsd-78-base.pub': publicKeyText('78') } },
		layout: {
			...{ release: '{{version}}/{{arch}}', snapshot: 'snapshots/{{arch}}', lists: [{ file: 'SHA256.sig', signed: true }] },
			...{ keyName: '^openbsd-[0-9]{2,3}-base\\.pub$', suffixFrom: '^base([0-9]{2,3})\\.tgz$', build: 'BUILDINFO' },
			kernels: ['bsd', 'bsd.mp', 'bsd.rd'],
		},
	});

describe('a target on several mirrors', () => {
	test('comes from the first that has it; those passed over are named and come last', async () => {
		const { target, failed } = await resolve([DEAD, `${mirror.url}/none`, mirror.url, 'ftp://later.example/pub']);
		expect(target.mirror).toBe(mirror.url);
		expect(target.mirrors).toEqual([mirror.url, 'ftp://later.example/pub', DEAD, `${mirror.url}/none`]);
		expect(failed.map(({ error }) => error.code)).toEqual(['E_MIRROR_UNREACHABLE', 'E_NOT_FOUND']);
	});

	test('that all fail is one error that names each with its reason', async () => {
		await expect(resolve([DEAD, `${mirror.url}/none`])).rejects.toMatchObject({
			code: 'E_NO_MIRROR',
			message: expect.stringMatching(
				/^none of 2 mirrors has it:\n- http:\/\/127.0.0.1:9: cannot reach .+\n- http.+\/none: .+ is not there$/,
			),
		});
		await expect(resolve([DEAD])).rejects.toMatchObject({ code: 'E_MIRROR_UNREACHABLE' });
	});

	test('keeps passwords out of itself and of every error', async () => {
		const closed = mirror.url.replace('//', '//me:p@ss:word@');
		const { target } = await resolve([closed]);
		expect(JSON.stringify(target)).not.toMatch(/me:|p@ss/);
		expect(withLogin(`${target.url}/bsd`, [closed])).toBe(`${closed}/7.8/amd64/bsd`);
		for (const bad of [`${closed}/none`, 'http://me:p@ss@127.0.0.1:9', 'http://me:p@ss@x/$(id)'])
			await expect(resolve([bad])).rejects.toMatchObject({ message: expect.not.stringMatching(/p@ss/) });
	});
});

test.each([
	['https://a.example/pub//', 'https://a.example/pub'],
	['/', '/'],
	['/srv/mirror/', '/srv/mirror'],
])('the top %s is %s', (text, top) => expect(mirrorTop(text)).toBe(top));

test.each(['https://me:ge/heim@a.example/pub', 'https://me:7/geheim@a.example/pub', 'https://me:g@e/heim@a.example/pub'])(
	'a slash in a password is refused with what to write, and without the password: %s',
	(text) => {
		const refused = expect.objectContaining({
			code: 'E_MIRROR_URL',
			message: '"https://a.example/pub" is no mirror',
			next: expect.arrayContaining([expect.stringContaining('%2F')]),
		});
		expect(() => mirrorTop(text)).toThrow(refused);
	},
);

test('a login is put in for its own mirror only', () => {
	const logins = ['https://a.example/pub', 'https://u:p@a.example/pub'];
	expect(withLogin('https://a.example/pub/7.8/bsd', logins)).toBe('https://u:p@a.example/pub/7.8/bsd');
	expect(withLogin('https://a.example/public/bsd', logins)).toBe('https://a.example/public/bsd');
});
