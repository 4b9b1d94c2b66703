import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, normalize } from 'node:path';
import { archiveOf } from './archive.ts';
import { signedList } from './keys.ts';
import { RELEASES, type Release, type ReleaseName } from './releases.ts';
import { kernelText, packagesOf, setsOf } from './tree.ts';
import type { Content } from './write-tree.ts';

export interface MirrorOptions {
	/** The new rc hangs at shutdown, as a broken package daemon makes it (F:A.11). */
	hangAtShutdown?: boolean;
}

/** A set as bytes: gzipped tar, members in the order given, owned by root. */
export function makeSet(files: readonly Content[]): Buffer {
	return archiveOf(files, 'gzip');
}

/** Writes one release in the mirror's real layout below `top` (F:A.3). */
export function publish(top: string, name: ReleaseName, options: MirrorOptions = {}): void {
	const release: Release = RELEASES[name];
	const dir = join(top, release.folder);
	mkdirSync(dir, { recursive: true });
	const { etc = [], xetc = [], ...sets } = setsOf(release);
	if (options.hangAtShutdown === true) sets['base']?.push({ path: 'etc/rc.hangs', text: '', mode: 0o644 });
	const files = new Map<string, Buffer>();
	files.set('BUILDINFO', Buffer.from(`Build date: ${release.build} - practice\n`));
	files.set('INSTALL.amd64', Buffer.from('notes\n'));
	files.set('bsd', Buffer.from(kernelText(release, 'GENERIC')));
	files.set('bsd.mp', Buffer.from(kernelText(release, 'GENERIC.MP')));
	files.set('bsd.rd', Buffer.from(kernelText(release, 'RAMDISK')));
	// base carries etc.tgz, a set inside the set (F:A.2).
	const inside: Content[] = release.modern ? [{ path: 'var/sysmerge/etc.tgz', text: makeSet(etc), mode: 0o600 }] : [];
	for (const [set, members] of Object.entries(release.modern ? sets : { ...sets, etc, xetc }))
		files.set(`${set}${release.suffix}.tgz`, makeSet(set === 'base' ? [...members, ...inside] : members));
	const list = [...files]
		.sort(([a], [b]) => (a < b ? -1 : 1))
		.map(([file, bytes]) => `SHA256 (${file}) = ${createHash('sha256').update(bytes).digest('hex')}\n`)
		.join('');
	for (const [file, bytes] of files) writeFileSync(join(dir, file), bytes);
	writeFileSync(join(dir, 'SHA256'), list);
	if (release.modern) writeFileSync(join(dir, 'SHA256.sig'), signedList(release.suffix, list));
	writeFileSync(join(dir, 'index.txt'), execFileSync('ls', ['-ln'], { cwd: dir, env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' } }));
	const packages = join(top, release.folder.split('/').slice(0, -1).join('/'), 'packages/amd64');
	mkdirSync(packages, { recursive: true });
	writeFileSync(join(packages, 'level'), `${release.level}\n`);
	for (const { name, record, program } of packagesOf(release)) {
		writeFileSync(join(packages, `${name}.record`), record);
		if (program !== undefined) writeFileSync(join(packages, `${name}.program`), program.text);
	}
	writeFileSync(join(packages, 'SHA256'), 'hashes of the packages\n');
}

/** A running mirror on loopback. */
export interface Mirror {
	url: string;
	dir: string;
	requests: string[];
	stop(): Promise<void>;
}

/** Serves `dir` over HTTP with ranges, on a free port of loopback. */
export async function serveMirror(dir: string): Promise<Mirror> {
	const requests: string[] = [];
	const server: Server = createServer((request, response) => {
		const path = join(dir, normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://x').pathname)));
		requests.push(`${request.method} ${request.url}`);
		let size: number;
		try {
			const stat = statSync(path);
			if (!stat.isFile()) throw new Error('no file');
			size = stat.size;
		} catch {
			response.writeHead(404).end('not here\n');
			return;
		}
		const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
		response.writeHead(start > 0 ? 206 : 200, {
			'content-length': size - start,
			...(start > 0 ? { 'content-range': `bytes ${start}-${size - 1}/${size}` } : {}),
		});
		if (request.method === 'HEAD') response.end();
		else createReadStream(path, { start }).pipe(response);
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	return {
		url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
		dir,
		requests,
		stop: () =>
			new Promise((resolve) => {
				server.closeAllConnections();
				server.close(() => resolve());
			}),
	};
}
