import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { KINDS, offerFor } from '../../src/transport/algorithms.ts';
import { useKnownHosts } from '../../src/transport/login.ts';
import { sshLine } from '../../src/transport/login-errors.ts';
import { type Reach, resolveReach } from '../../src/transport/ssh-config.ts';

let dir: string;
beforeEach(() => {
	dir = mkdtempSync(join(tmpdir(), 'bsdup-config-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const reach = (spec: string, ...lines: string[]): Reach => {
	writeFileSync(join(dir, 'config'), `${lines.join('\n')}\n`);
	return resolveReach(spec, join(dir, 'config'));
};

const GLOBAL = ['/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2'];

describe('ssh_config', () => {
	test('gives an alias its host, user, port and keys; what is typed wins', () => {
		const lines = [
			'Host db',
			'  HostName db1.example.org',
			'  User ann',
			'  Port 2222',
			'  IdentityFile "~/my keys/id"',
			'  IdentityFile /b',
		];
		expect(reach('db', ...lines)).toMatchObject({
			alias: 'db',
			host: 'db1.example.org',
			user: 'ann',
			port: 2222,
			identities: { files: [join(homedir(), 'my keys/id'), '/b'], chosen: true },
		});
		expect(reach('bob@db:23', ...lines)).toMatchObject({ host: 'db1.example.org', user: 'bob', port: 23 });
	});

	test('takes the first value, in any spelling, with = as well', () => {
		expect(reach('db', 'host db', ' PORT=23', 'Host *', ' port 24', ' user = ann')).toMatchObject({ port: 23, user: 'ann' });
	});

	test.each([
		['db1', 'Host db?'],
		['db', 'Host *'],
		['db', 'Host x db'],
		['db', 'Match host db'],
		['db', 'Match host d*,!dx'],
		['db', `Match originalhost db user ${userInfo().username}`],
		['ann@db', 'Match user ann'],
		['db', 'Match !host other all'],
		['db', 'Match localuser *'],
		['db', 'Match exec "test %h = db"'],
		['db', 'Match final host db'],
	])('applies to %s what stands below %j', (spec, section) => {
		expect(reach(spec, section, ' Port 23').port).toBe(23);
	});

	test.each([
		['db', 'Host db?'],
		['db', 'Host * !db'],
		['db', 'Host !other'],
		['db', 'Match host other'],
		['db', 'Match !host db'],
		['db', 'Match user nobody-here'],
		['db', 'Match exec false'],
		['db', 'Match canonical'],
	])('does not apply to %s what stands below %j', (spec, section) => {
		expect(reach(spec, section, ' Port 23').port).toBe(22);
	});

	test('matches a host by what HostName made of it', () => {
		expect(reach('db', 'Host db', ' HostName %h.example.org', 'Match host *.example.org', ' Port 23').port).toBe(23);
	});

	test('gives a program of Match what is known by then of host, port and users', () => {
		expect(reach('db', 'HostName %h.lan', 'Port 24', 'Match exec "test %h:%p = db.lan:24"', ' User ann').user).toBe('ann');
		const asked = 'Match exec "test %n/%h/%p/%r/%u/%% = db/db/25/bob/$(id -un)/%"';
		expect(reach('bob@db:25', asked, ' IdentityFile /a').identities.files).toEqual(['/a']);
	});

	test('starts no program of Match where another of its conditions does not hold', () => {
		reach('db', `Match host other exec "touch ${dir}/started"`, ' User ann', `Match !host db exec "touch ${dir}/started"`, ' User ann');
		expect(existsSync(join(dir, 'started'))).toBe(false);
		reach('db', `Match host db exec "touch ${dir}/started"`, ' User ann');
		expect(existsSync(join(dir, 'started'))).toBe(true);
	});

	test('follows Include, with patterns, below Host too, and files that are not there', () => {
		mkdirSync(join(dir, 'conf.d'));
		writeFileSync(join(dir, 'conf.d/1.conf'), 'Host db\n Port 23\n');
		writeFileSync(join(dir, 'conf.d/2.conf'), 'Host *\n User ann\n');
		writeFileSync(join(dir, 'other'), 'Port 99\nUser bob\n');
		expect(reach('db', `Include ${dir}/absent`, `Include ${dir}/conf.d/*.conf`, 'Host other', ` Include ${dir}/other`)).toMatchObject({
			port: 23,
			user: 'ann',
		});
		expect(reach('other', 'Host other', ` Include ${dir}/other`)).toMatchObject({ port: 99, user: 'bob' });
	});

	test('puts tokens and variables in place', () => {
		process.env['BSDUP_TEST_DIR'] = '/keys';
		const made = reach('bob@db:23', 'HostName %h.lan', 'IdentityFile %d/%n-%h-%p-%r-%u-%%', 'IdentityFile ${BSDUP_TEST_DIR}/id');
		delete process.env['BSDUP_TEST_DIR'];
		expect(made.identities.files).toEqual([`${homedir()}/db-db.lan-23-bob-${userInfo().username}-%`, '/keys/id']);
	});

	test('names jump hosts in their order, or none', () => {
		expect(reach('db', 'ProxyJump a,ann@b:23,ssh://c:24').jumps).toEqual(['a', 'ann@b:23', 'ssh://c:24']);
		expect(reach('db', 'Host db', ' ProxyJump none', 'Host *', ' ProxyJump a').jumps).toEqual([]);
	});

	test('has a ProxyJump or a ProxyCommand, whichever comes first, none too', () => {
		expect(reach('db', 'Host db', ' ProxyCommand none', 'Host *', ' ProxyJump a')).toMatchObject({ jumps: [], proxyCommand: false });
		expect(reach('db', 'ProxyCommand nc %h %p', 'ProxyJump a')).toMatchObject({ jumps: [], proxyCommand: true });
		expect(reach('db', 'ProxyJump a', 'ProxyCommand nc %h %p')).toMatchObject({ jumps: ['a'], proxyCommand: false });
	});

	test('takes addresses of IPv6', () => {
		expect(reach('root@[::1]:23')).toMatchObject({ host: '::1', port: 23, user: 'root' });
		expect(reach('db', 'HostName fe80::1')).toMatchObject({ host: 'fe80::1', port: 22 });
		expect(reach('root@fe80::1%br-lan')).toMatchObject({ host: 'fe80::1%br-lan', port: 22, user: 'root' });
		expect(reach('[fe80::1%hn0]:23')).toMatchObject({ host: 'fe80::1%hn0', port: 23 });
		expect(reach('::ffff:192.0.2.7')).toMatchObject({ host: '::ffff:192.0.2.7' });
		expect(reach('ssh://ann@db:24')).toMatchObject({ host: 'db', port: 24, user: 'ann' });
	});

	test('without files of one’s own has the usual ones', () => {
		expect(reach('db')).toMatchObject({
			identities: { files: [join(homedir(), '.ssh/id_ed25519'), expect.anything(), expect.anything()], chosen: false },
			knownHosts: [join(homedir(), '.ssh/known_hosts'), join(homedir(), '.ssh/known_hosts2'), ...GLOBAL],
			keepalive: { intervalMs: 5_000, count: 3 },
		});
	});

	test('names files of host keys beside those of the machine, or in their place', () => {
		expect(reach('db', 'UserKnownHostsFile ~/a /b').knownHosts).toEqual([join(homedir(), 'a'), '/b', ...GLOBAL]);
		expect(reach('db', 'UserKnownHostsFile /b', 'GlobalKnownHostsFile /c /%k').knownHosts).toEqual(['/b', '/c', '/db']);
	});

	test('is told again as ssh takes it, where a known_hosts file has a blank in its path', () => {
		const told = (file: string): string => {
			const db = reach('db');
			useKnownHosts(db, file);
			return sshLine(db);
		};
		expect(told('/my own/known')).toContain(`-o 'UserKnownHostsFile="/my own/known"'`);
		expect(told('/known')).toContain('-o UserKnownHostsFile=/known');
	});

	test('takes times with units, and a port by the name of its service', () => {
		expect(reach('db', 'ConnectTimeout 1m', 'ServerAliveInterval 1m30s', 'Port ssh')).toMatchObject({
			silenceMs: 60_000,
			keepalive: { intervalMs: 90_000 },
			port: 22,
		});
		expect(reach('db', 'ConnectTimeout none').silenceMs).toBe(reach('db', 'ConnectTimeout 0').silenceMs);
	});

	test('takes a time that no timer can wait for the longest that one can', () => {
		expect(reach('db', 'ConnectTimeout 99999w').silenceMs).toBe(2 ** 31 - 1);
	});

	test.each([`ConnectTimeout ${'1'.repeat(60)}x`, 'ConnectTimeout soon', 'ServerAliveInterval -1', 'Port 70000', 'Port web'])(
		'refuses a value that is none (%s)',
		(line) => {
			expect(() => reach('db', line)).toThrow(expect.objectContaining({ code: 'E_SSH_CONFIG', message: expect.stringContaining(line) }));
		},
	);

	test('that cannot be read or understood is an error that names the file', () => {
		expect(() => resolveReach('db', join(dir, 'absent'))).toThrow(expect.objectContaining({ code: 'E_SSH_CONFIG' }));
		expect(() => reach('db', 'IdentityFile "open')).toThrow(expect.objectContaining({ message: expect.stringContaining('config') }));
		expect(() => reach('db', `Include ${dir}/config`)).toThrow(expect.objectContaining({ code: 'E_SSH_CONFIG' }));
	});
});

describe('what is offered to a host', () => {
	const usual = offerFor({}, []);

	test('has nothing with SHA-1, CBC or RC4 in it by itself', () => {
		expect(JSON.stringify(usual)).not.toMatch(/sha1|ssh-rsa|ssh-dss|cbc|arcfour|md5/);
	});

	test('is added to by +, reduced by -, put first by ^, replaced by a bare list', () => {
		const macs = KINDS.hmac.usual;
		expect(offerFor({ hmac: '+hmac-sha1' }, []).hmac).toEqual([...macs, 'hmac-sha1']);
		expect(offerFor({ hmac: '-*-etm@openssh.com' }, []).hmac).toEqual(['hmac-sha2-256', 'hmac-sha2-512']);
		expect(offerFor({ hmac: '^hmac-sha2-512' }, []).hmac[0]).toBe('hmac-sha2-512');
		expect(offerFor({ hmac: '^hmac-sha2-512' }, []).hmac.length).toBe(macs.length);
		expect(offerFor({ hmac: 'hmac-sha1,hmac-sha2-256' }, []).hmac).toEqual(['hmac-sha1', 'hmac-sha2-256']);
	});

	test('leaves out what this client does not speak, and fails where nothing is left', () => {
		expect(offerFor({ kex: 'sntrup761x25519-sha512@openssh.com,curve25519-sha256' }, []).kex).toEqual(['curve25519-sha256']);
		expect(() => offerFor({ kex: 'sntrup761x25519-sha512@openssh.com' }, [])).toThrow(expect.objectContaining({ code: 'E_SSH_CONFIG' }));
	});

	test('begins with the types of host key that are known, unless the order is given', () => {
		expect(offerFor({}, ['ssh-rsa']).serverHostKey.slice(0, 3)).toEqual(['rsa-sha2-512', 'rsa-sha2-256', 'ssh-ed25519']);
		expect(offerFor({ serverHostKey: '+ssh-rsa' }, ['ssh-rsa']).serverHostKey.slice(0, 3)).toEqual([
			'rsa-sha2-512',
			'rsa-sha2-256',
			'ssh-rsa',
		]);
		expect(offerFor({ serverHostKey: 'ssh-ed25519,rsa-sha2-512' }, ['ssh-rsa']).serverHostKey).toEqual(['ssh-ed25519', 'rsa-sha2-512']);
	});
});
