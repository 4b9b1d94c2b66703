import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { download } from '../../src/fetch/download.ts';
import { resolveTarget } from '../../src/fetch/resolve.ts';
import { readAll } from '../../src/fetch/source.ts';
import { publicKeyText, signedList } from '../lab/keys.ts';
import { formatList } from './format-list.ts';
import { canNginx, canVsftpd, type RealServer, serveNginx, serveVsftpd } from './servers.ts';

const layout = {
	release: '{{version}}/{{arch}}',
	snapshot: 'snapshots/{{arch}}',
	lists: [{ file: 'SHA256.sig', signed: true }],
	keyName: '^openbsd-[0-9]{2,3}-base\\.pub$',
	suffixFrom: '^base([0-9]{2,3})\\.tgz$',
	archFrom: '^INSTALL\\.(.+)$',
	build: 'BUILDINFO',
	kernels: ['bsd', 'bsd.mp', 'bsd.rd'],
};
const contents = new Map<string, Buffer>([
	['BUILDINFO', Buffer.from('Build date: 1760000000 - practice\n')],
	['INSTALL.amd64', Buffer.from('notes\n')],
	['base100.tgz', randomBytes(3_000_000)],
	['bsd', randomBytes(70_000)],
	['man100.tgz', randomBytes(500_000)],
]);
const hashes = new Map([...contents].map(([name, bytes]) => [name, createHash('sha256').update(bytes).digest('hex')]));

let top: string;
beforeAll(() => {
	top = mkdtempSync('/tmp/bsdup-real-mirror-');
	const folder = join(top, '10.0/amd64');
	mkdirSync(folder, { recursive: true });
	for (const [name, bytes] of contents) writeFileSync(join(folder, name), bytes);
	writeFileSync(join(folder, 'SHA256.sig'), signedList('100', formatList(hashes)));
});
afterAll(() => rmSync(top, { recursive: true, force: true }));

const codeOf = (work: Promise<unknown>): Promise<string> =>
	work.then(
		() => 'no error',
		(error: { code?: string }) => error.code ?? String(error),
	);

interface Kind {
	can: boolean;
	serve: () => Promise<RealServer>;
}
const kinds: Record<string, Kind> = {
	nginx: { can: canNginx, serve: () => serveNginx(top) },
	vsftpd: { can: canVsftpd, serve: () => serveVsftpd(top) },
	'a file: URL': { can: true, serve: async () => ({ url: pathToFileURL(top).href, stop: async () => {} }) },
	'a bare folder': { can: true, serve: async () => ({ url: top, stop: async () => {} }) },
};

describe.each(Object.entries(kinds))('a mirror served by %s', (_name, { can, serve }) => {
	let server: RealServer;
	beforeAll(async () => {
		if (can) server = await serve();
	});
	afterAll(async () => {
		if (can) await server.stop();
	});
	const target = () =>
		resolveTarget({
			name: '10.0',
			arch: 'amd64',
			mirror: server.url,
			keys: { 'openbsd-100-base.pub': publicKeyText('100') },
			layout,
		});

	test.skipIf(!can)('gives a pinned target with the size of every file (needs that server, as root)', async () => {
		const { files, version, suffix, build } = await target();
		expect({ version, suffix, build }).toEqual({ version: '10.0', suffix: '100', build: 1_760_000_000 });
		expect(files).toEqual([...contents].map(([name, bytes]) => ({ name, sha256: hashes.get(name), size: bytes.length })));
	});

	test.skipIf(!can)('gives every file, and only the rest of one that broke off (needs that server, as root)', async () => {
		const to = mkdtempSync('/tmp/bsdup-real-download-');
		try {
			const { files, url } = await target();
			writeFileSync(join(to, 'base100.tgz.part'), contents.get('base100.tgz')?.subarray(0, 2_000_000) ?? '');
			const told: [number, number | null][] = [];
			await download({
				files: files.map((file) => ({ ...file, urls: [`${url}/${file.name}`] })),
				dir: to,
				onBytes: (name, done, total) => {
					if (name === 'base100.tgz') told.push([done, total]);
				},
			});
			for (const [name, bytes] of contents) expect(readFileSync(join(to, name)).equals(bytes), name).toBe(true);
			expect(told[0]?.[0]).toBeGreaterThanOrEqual(2_000_000);
			expect(told.at(-1)).toEqual([3_000_000, 3_000_000]);
		} finally {
			rmSync(to, { recursive: true, force: true });
		}
	});

	test.skipIf(!can)('says that a file is not there (needs that server, as root)', async () => {
		expect(await codeOf(readAll(`${server.url}/10.0/amd64/none`))).toBe('E_NOT_FOUND');
	});
});
