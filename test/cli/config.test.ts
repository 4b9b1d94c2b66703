import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { readConfig } from '../../src/cli/config.ts';
import { mirrorsFor } from '../../src/cli/mirror-layout.ts';
import { inPlace } from '../plan/make.ts';

const dir = mkdtempSync(join(tmpdir(), 'bsdup-config-'));
afterAll(() => rmSync(dir, { recursive: true }));
const file = join(dir, 'config.yaml');
const read = (text: string, mode = 0o600): ReturnType<typeof readConfig> => {
	rmSync(file, { force: true });
	writeFileSync(file, text, { mode });
	return readConfig(file);
};

describe('a config file', () => {
	test('that is not there, or empty, is all defaults', () => {
		const defaults = { mirrors: [], hosts: {}, cache: { maxSize: '10G' } };
		expect(readConfig(join(dir, 'none.yaml'))).toEqual(defaults);
		expect(read('')).toEqual(defaults);
	});

	test('names mirrors in the order of preference', () => {
		const text = 'mirrors:\n  - https://a.example/pub/\n  - /srv/mirror\nbandwidth: 5M\ncache: { maxSize: 2.5G }\n';
		expect(read(text)).toEqual({
			mirrors: ['https://a.example/pub', '/srv/mirror'],
			bandwidth: '5M',
			hosts: {},
			cache: { maxSize: '2.5G' },
		});
	});

	test.each([
		['an unknown key', 'mirrors: []\nmiror: x\n', ':2: miror: unknown key'],
		['no list', 'mirrors: https://a.example\n', ':1: mirrors: '],
		['no mirror', 'mirrors:\n  - https://a.example\n  - "http://x/$(id)"\n', ':3: mirrors.1: "http://x/$(id)" is no mirror'],
		['no size', 'cache:\n  maxSize: many\n', ':2: cache.maxSize: is no size like 10G'],
		['no bandwidth', 'bandwidth: "0"\n', ':1: bandwidth: must be more than nothing'],
		['a host that is none', 'hosts:\n  db1:\n    host: "a b"\n', ':3: hosts.db1.host: is no [user@]name[:port]'],
		['a key of a host that is none', 'hosts:\n  db1: { host: a, consle: x }\n', ':2: hosts.db1.consle: unknown key'],
		['a relative path', 'hosts:\n  db1:\n    become: doas\n    identity: id\n', ':4: hosts.db1.identity: is a path from / or ~/ on'],
		['a name that is no host', 'hosts:\n  "a b": {}\n', ':2: hosts.a b: '],
		['broken YAML', 'mirrors: [\n', ':2: '],
	])('with %s is refused with file and line', (_what, text, says) => {
		const message = expect.stringContaining(`${file}${says}`);
		expect(() => read(text)).toThrow(expect.objectContaining({ code: 'E_CONFIG', exit: 2, message }));
	});

	test('with a password must be for its owner alone, and the password is told nowhere', () => {
		const text = 'mirrors: ["https://me:secret@a.example/pub"]\n';
		expect(read(text).mirrors).toEqual(['https://me:secret@a.example/pub']);
		expect(() => read(text, 0o644)).toThrow(expect.objectContaining({ code: 'E_CONFIG', next: [`chmod 600 ${file}`] }));
		for (const bad of ['mirrors: ["https://me:secret@a.example/$x"]\n', 'mirrors: ["https://me:secret@a.example"'])
			expect(() => read(bad)).toThrow(expect.objectContaining({ message: expect.not.stringContaining('secret') }));
	});
});

describe('the mirrors of a plan', () => {
	const none = { mirrors: [] };
	const own = { mirrors: ['https://own.example/pub'], hosts: {}, cache: { maxSize: '1G' } };
	test('are those asked for, else the own, else the host’s, else the manifest’s', () => {
		expect(mirrorsFor(['ftp://a/', 'ftp://b', 'ftp://a'], own, none, inPlace)).toEqual(['ftp://a', 'ftp://b']);
		expect(mirrorsFor(undefined, own, { mirrors: ['ftp://h'] }, inPlace)).toEqual(own.mirrors);
		expect(mirrorsFor([], { ...own, ...none }, { mirrors: ['ftp://h', 'ftp://i'] }, inPlace)).toEqual(['ftp://h', 'ftp://i']);
		expect(mirrorsFor([], { ...own, ...none }, none, inPlace)).toEqual([inPlace.mirror.default]);
	});
});
