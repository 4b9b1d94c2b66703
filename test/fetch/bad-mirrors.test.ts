import { utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
	canNginx,
	canPyftpdlib,
	canVsftpd,
	type NginxServer,
	type RealServer,
	serveNginx,
	servePyftpdlib,
	serveVsftpd,
} from './servers.ts';
import { FetchWorld } from './world.ts';

/** Bad mirrors, each a real server: the run ends with a clear error where there is no other, and goes on where there is one. */

/** Enough to be shared out among two connections. */
const BIG = 7_000_000;
let world: FetchWorld;
const servers: RealServer[] = [];
let good: NginxServer;

beforeAll(async () => {
	world = new FetchWorld({ 'big.tgz': BIG, 'small.tgz': 200_000 });
	if (canNginx) good = await started(serveNginx(world.mirror('good')));
});
afterAll(async () => {
	await Promise.all(servers.map((server) => server.stop()));
	world.remove();
});
beforeEach(() => world.empty());

async function started<S extends RealServer>(starting: Promise<S>): Promise<S> {
	const server = await starting;
	servers.push(server);
	return server;
}

const cut = (bytes: Buffer): Buffer => bytes.subarray(0, bytes.length - 100_000);
const longer = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.from('more')]);
const changed = (bytes: Buffer): Buffer => {
	const other = Buffer.from(bytes);
	other[bytes.length - 5] = (other[bytes.length - 5] ?? 0) ^ 1;
	return other;
};
const nginx = (dir: string, server = '') => started(serveNginx(dir, { server }));

interface Case {
	can: boolean;
	serve: () => Promise<RealServer>;
	/** Without another mirror. */
	code: string;
	says: RegExp;
}

const cases: Record<string, Case> = {
	'nginx with a file that is cut off': {
		can: canNginx,
		serve: () => nginx(world.mirror('cut', { 'big.tgz': cut })),
		code: 'E_HASH_MISMATCH',
		says: /big\.tgz is not the file of the list: 6900000 bytes came instead of 7000000/,
	},
	'nginx with a file that is longer than listed': {
		can: canNginx,
		serve: () => nginx(world.mirror('longer', { 'big.tgz': longer })),
		code: 'E_HASH_MISMATCH',
		says: /7000004 bytes came instead of 7000000/,
	},
	'nginx with wrong bytes of the right number': {
		can: canNginx,
		serve: () => nginx(world.mirror('wrong', { 'big.tgz': changed })),
		code: 'E_HASH_MISMATCH',
		says: /big\.tgz is not the file of the list: SHA256 [0-9a-f]{64}; listed SHA256 [0-9a-f]{64}/,
	},
	'nginx that lacks one file': {
		can: canNginx,
		serve: () => nginx(world.mirror('lacks', { 'small.tgz': null })),
		code: 'E_NOT_FOUND',
		says: /small\.tgz is not there/,
	},
	'nginx that answers with a page and status 200': {
		can: canNginx,
		serve: () =>
			nginx(
				world.mirror('page', { 'small.tgz': null }),
				`error_page 404 =200 /sorry; location = /sorry { default_type text/html; return 200 '<html>sorry</html>'; }`,
			),
		code: 'E_HASH_MISMATCH',
		says: /small\.tgz is not the file of the list: an HTML page of 18 bytes came/,
	},
	'nginx that fails for one file': {
		can: canNginx,
		serve: () => nginx(world.mirror('fails'), 'location = /small.tgz { return 500; }'),
		code: 'E_MIRROR_UNREACHABLE',
		says: /small\.tgz: HTTP status 500/,
	},
	'nginx that hangs up': {
		can: canNginx,
		serve: () => nginx(world.mirror('hangs-up'), 'location / { return 444; }'),
		code: 'E_MIRROR_UNREACHABLE',
		says: /big\.tgz: other side closed/,
	},
	'nginx that sends a few bytes a second': {
		can: canNginx,
		serve: () => nginx(world.mirror('slow'), 'limit_rate 5k;'),
		code: 'E_FETCH',
		says: /only \d+ bytes came in \d+ seconds|nothing came/,
	},
	'vsftpd with a file that is cut off': {
		can: canVsftpd,
		serve: () => started(serveVsftpd(world.mirror('cut', { 'big.tgz': cut }))),
		code: 'E_HASH_MISMATCH',
		says: /6900000 bytes came instead of 7000000/,
	},
	'vsftpd with wrong bytes of the right number': {
		can: canVsftpd,
		serve: () => started(serveVsftpd(world.mirror('wrong', { 'big.tgz': changed }))),
		code: 'E_HASH_MISMATCH',
		says: /big\.tgz is not the file of the list: SHA256/,
	},
	'vsftpd that lacks one file': {
		can: canVsftpd,
		serve: () => started(serveVsftpd(world.mirror('lacks', { 'small.tgz': null }))),
		code: 'E_NOT_FOUND',
		says: /small\.tgz is not there/,
	},
	'vsftpd that sends a few bytes a second': {
		can: canVsftpd,
		serve: () => started(serveVsftpd(world.mirror('good'), ['anon_max_rate=100'])),
		code: 'E_FETCH',
		says: /only \d+ bytes came in \d+ seconds|nothing came/,
	},
	'pyftpdlib that closes the data early': {
		can: canPyftpdlib,
		serve: () => started(servePyftpdlib(world.mirror('good'), { cutAfter: 0 })),
		code: 'E_MIRROR_UNREACHABLE',
		says: /it broke off at byte \d+ of/,
	},
	'pyftpdlib that lets nobody in': {
		can: canPyftpdlib,
		serve: async () => {
			const { url, stop } = await started(servePyftpdlib(world.mirror('good'), { user: 'u', password: 'right' }));
			return { url: url.replace('right', 'wr%40ng'), stop };
		},
		code: 'E_MIRROR_UNREACHABLE',
		says: /530/,
	},
};

describe.each(Object.entries(cases))('%s', (_name, { can, serve, code, says }) => {
	let bad: RealServer;
	beforeAll(async () => {
		if (can) bad = await serve();
	});

	test.skipIf(!can)('alone: ends with a clear error, and nothing wrong has a final name (needs that server, as root)', async () => {
		const { code: got, message, notices } = await world.fetch([bad.url]);
		expect({ got, message }).toEqual({ got: code, message: expect.stringMatching(says) });
		expect(world.wrong(false)).toEqual([]);
		expect(message + notices.join()).not.toMatch(/wr(@|%40)ng/);
	});

	test.skipIf(!can || !canNginx)('beside a good one, and preferred: all files come (needs nginx, as root)', async () => {
		const { code: got, message } = await world.fetch([bad.url, good.url]);
		expect({ got, message }).toEqual({ got: null, message: '' });
		expect(world.wrong(true)).toEqual([]);
		expect(world.litter()).toEqual([]);
	});
});

interface Odd {
	can: boolean;
	serve: () => Promise<RealServer>;
}

const odd: Record<string, Odd> = {
	'nginx without ranges': { can: canNginx, serve: () => nginx(world.mirror('good'), 'max_ranges 0;') },
	'nginx that allows two connections': {
		can: canNginx,
		serve: () =>
			started(
				serveNginx(world.mirror('good'), {
					http: 'limit_conn_zone $binary_remote_addr zone=all:1m;',
					server: 'limit_conn all 2; limit_rate 4m;',
				}),
			),
	},
	'nginx that redirects': { can: canNginx, serve: () => nginx(world.mirror('good'), `rewrite ^/old/(.*)$ /$1 redirect;`) },
	'vsftpd that allows two connections': { can: canVsftpd, serve: () => started(serveVsftpd(world.mirror('good'), ['max_per_ip=2'])) },
	'vsftpd over IPv6': { can: canVsftpd, serve: () => started(serveVsftpd(world.mirror('good'), [], '::1')) },
	'vsftpd without EPSV': {
		can: canVsftpd,
		serve: () => started(serveVsftpd(world.mirror('good'), ['cmds_denied=EPSV'])),
	},
	'pyftpdlib without REST': { can: canPyftpdlib, serve: () => started(servePyftpdlib(world.mirror('good'), { noRest: true })) },
	'pyftpdlib without EPSV and SIZE': { can: canPyftpdlib, serve: () => started(servePyftpdlib(world.mirror('good'), { old: true })) },
	'pyftpdlib that closes the data early again and again': {
		can: canPyftpdlib,
		serve: () => started(servePyftpdlib(world.mirror('good'), { cutAfter: 700_000 })),
	},
	'pyftpdlib that allows one connection': {
		can: canPyftpdlib,
		serve: () => started(servePyftpdlib(world.mirror('good'), { connections: 1 })),
	},
	'pyftpdlib with a password': {
		can: canPyftpdlib,
		serve: () => started(servePyftpdlib(world.mirror('good'), { user: 'someone', password: 'a%3Ab'.replace('%3A', '-') })),
	},
	'pyftpdlib over IPv6': { can: canPyftpdlib, serve: () => started(servePyftpdlib(world.mirror('good'), { address: '::1' })) },
};

describe.each(Object.entries(odd))('%s', (name, { can, serve }) => {
	test.skipIf(!can)('gives every file, begun or not, with the size told or not (needs that server, as root)', async () => {
		const { url } = await serve();
		const top = name.endsWith('redirects') ? `${url}/old` : url;
		const files = world.files(top);
		for (const part of [0, 6_500_000]) {
			world.empty();
			if (part > 0) writeFileSync(join(world.to, 'big.tgz.part'), world.bytes('big.tgz').subarray(0, part));
			const { code, message } = await world.fetch([], { files: part > 0 ? files.map((file) => ({ ...file, size: null })) : files });
			expect({ code, message }).toEqual({ code: null, message: '' });
			expect(world.wrong(true)).toEqual([]);
			expect(world.litter()).toEqual([]);
		}
	});
});

describe('several mirrors', () => {
	test.skipIf(!canNginx)('give stretches of one file at the same time (needs nginx, as root)', async () => {
		const other = await nginx(world.mirror('other'), 'limit_rate 3m;');
		const slow = await nginx(world.mirror('other'), 'limit_rate 3m;');
		const { from } = await world.fetch([other.url, slow.url]);
		expect(from.get('big.tgz')?.size).toBe(2);
		expect(world.wrong(true)).toEqual([]);
	});

	test.skipIf(!canNginx || !canVsftpd)('of different kinds give one file together (needs nginx and vsftpd, as root)', async () => {
		const http = await nginx(world.mirror('other'), 'limit_rate 2m;');
		const ftp = await started(serveVsftpd(world.mirror('other'), ['anon_max_rate=3000000']));
		const { from } = await world.fetch([http.url, ftp.url]);
		expect(from.get('big.tgz')?.size).toBe(2);
		expect(world.wrong(true)).toEqual([]);
	});

	test.skipIf(!canNginx)(
		'of which one is slow: the fast one takes over, so that the slow one does not hold the end up (needs nginx, as root)',
		async () => {
			const slow = await nginx(world.mirror('other'), 'limit_rate 100k;');
			const began = Date.now();
			// It is not too slow to be waited for.
			const patience = { stallMs: 60_000, leastRate: 1, windowMs: 60_000 };
			const { code } = await world.fetch([slow.url, good.url], { patience });
			expect(code).toBe(null);
			expect(world.wrong(true)).toEqual([]);
			// Alone the slow one would need more than a minute.
			expect(Date.now() - began).toBeLessThan(50_000);
		},
	);

	test.skipIf(!canNginx)('of which one gives wrong bytes: it is named and set aside (needs nginx, as root)', async () => {
		const liar = await nginx(world.mirror('wrong', { 'big.tgz': changed }), 'limit_rate 3m;');
		const honest = await nginx(world.mirror('good'), 'limit_rate 3m;');
		const { code, notices } = await world.fetch([honest.url, liar.url]);
		expect(code).toBe(null);
		expect(world.wrong(true)).toEqual([]);
		expect(notices.join('\n')).toMatch(new RegExp(`${liar.url}.*(wrong bytes of|another) big\\.tgz`));
	});

	test.skipIf(!canNginx)('of which one is gone: it is set aside with a notice, and asked no more (needs nginx, as root)', async () => {
		const gone = await serveNginx(world.mirror('other'));
		await gone.stop();
		const { code, notices } = await world.fetch([gone.url, good.url], { bandwidth: 20_000_000 });
		expect(code).toBe(null);
		expect(world.wrong(true)).toEqual([]);
		expect(notices.filter((notice) => notice.startsWith(`${gone.url} set aside`)).length).toBeLessThanOrEqual(1);
	});
});

test.skipIf(!canNginx)(
	'a file that changes on the mirror between two stretches is begun again, and is right in the end (needs nginx, as root)',
	async () => {
		const dir = world.mirror('moving', { 'big.tgz': changed });
		// nginx tells files apart by their second and size.
		utimesSync(join(dir, 'big.tgz'), 1_700_000_000, 1_700_000_000);
		// One connection at a time, so that one is opened after the change.
		const one = { http: 'limit_conn_zone $binary_remote_addr zone=all:1m;', server: 'limit_conn all 1; limit_rate 2m;' };
		const server = await started(serveNginx(dir, one));
		let mended = false;
		const { code, notices } = await world.fetch([server.url], {
			onBytes: (name, done) => {
				if (name !== 'big.tgz' || done < 1_000_000 || mended) return;
				mended = true;
				world.mirror('moving');
			},
		});
		expect(code).toBe(null);
		expect(notices.join()).toContain('big.tgz changed while it was fetched: it is begun again');
		expect(world.wrong(true)).toEqual([]);
	},
);

test.skipIf(!canNginx)('a bandwidth is kept to, over all connections (needs nginx, as root)', async () => {
	const began = performance.now();
	const { code } = await world.fetch([good.url], { bandwidth: 5_000_000 });
	expect(code).toBe(null);
	// 7.2 MB at 5 MB/s.
	expect(performance.now() - began).toBeGreaterThan(1300);
	expect(world.wrong(true)).toEqual([]);
});
