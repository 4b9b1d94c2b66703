import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseHostSpec } from '../../src/transport/host-spec.ts';
import { judgeHostKey, knownTypes } from '../../src/transport/known-hosts.ts';

const blob = (type: string, body: string): Buffer => {
	const length = Buffer.alloc(4);
	length.writeUInt32BE(type.length);
	return Buffer.concat([length, Buffer.from(type), Buffer.from(body)]);
};
const ed = blob('ssh-ed25519', 'one');
let dir: string;
let file: string;
beforeEach(() => {
	dir = mkdtempSync(join(tmpdir(), 'bsdup-known-'));
	file = join(dir, 'known_hosts');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));
const judge = (lines: string[], key = ed, port = 22): string => {
	writeFileSync(file, `${lines.join('\n')}\n`);
	return judgeHostKey([file], 'db1', port, key);
};

describe('a host key', () => {
	test('is known by name, by hashed name, by name and port', () => {
		const salt = Buffer.from('salt');
		const hash = createHmac('sha1', salt).update('db1').digest('base64');
		expect(judge([`db1 ssh-ed25519 ${ed.toString('base64')}`])).toBe('known');
		expect(judge([`|1|${salt.toString('base64')}|${hash} ssh-ed25519 ${ed.toString('base64')}`])).toBe('known');
		expect(judge([`[db1]:2222 ssh-ed25519 ${ed.toString('base64')}`], ed, 2222)).toBe('known');
		expect(judge([`[db1]:2222 ssh-ed25519 ${ed.toString('base64')}`])).toBe('unknown');
	});

	test('of a port of which nothing is known is known where it is that of the name alone, as for ssh(1)', () => {
		const line = `db1 ssh-ed25519 ${ed.toString('base64')}`;
		const other = blob('ssh-ed25519', 'two');
		expect(judge([line], ed, 2222)).toBe('known');
		expect(knownTypes([file], 'db1', 2222)).toEqual(['ssh-ed25519']);
		expect(judge([line], other, 2222)).toBe('unknown');
		expect(() => judge([line, `@revoked db1 ssh-ed25519 ${ed.toString('base64')}`], ed, 2222)).toThrow('revokes');
		expect(() => judge([line, `[db1]:2222 ssh-ed25519 ${other.toString('base64')}`], ed, 2222)).toThrow(/known_hosts:2/);
	});

	test('that changed is refused with file and line; one of another type is only an extra', () => {
		const other = blob('ssh-ed25519', 'two').toString('base64');
		expect(() => judge(['# comment', `db1 ssh-ed25519 ${other}`])).toThrow(/known_hosts:2/);
		expect(judge([`db1 ssh-rsa ${blob('ssh-rsa', 'x').toString('base64')}`])).toBe('extra');
		expect(knownTypes([file], 'db1', 22)).toEqual(['ssh-rsa']);
	});

	test('that changed is looked up at the console in the file of its own type', () => {
		const [old, rsa] = [blob('ssh-rsa', 'old').toString('base64'), blob('ssh-rsa', 'new')];
		expect(() => judge([`db1 ssh-rsa ${old}`], rsa)).toThrow(
			expect.objectContaining({ next: expect.arrayContaining([expect.stringContaining('-lf /etc/ssh/ssh_host_rsa_key.pub')]) }),
		);
	});

	test('that is revoked is refused, and nobody is told to remove the lines that are well', () => {
		const lines = [`db1 ssh-ed25519 ${ed.toString('base64')}`, `@revoked * ssh-ed25519 ${ed.toString('base64')}`];
		expect(() => judge(lines)).toThrow(
			expect.objectContaining({
				code: 'E_HOST_KEY_REVOKED',
				message: expect.stringContaining('revokes'),
				next: expect.not.arrayContaining([expect.stringContaining('ssh-keygen -R')]),
			}),
		);
	});
});

describe('a host name', () => {
	test.each([
		['db1', { name: 'db1' }],
		['root@db1:2222', { user: 'root', name: 'db1', port: 2222 }],
		['[::1]:22', { name: '::1', port: 22 }],
		['fe80::1', { name: 'fe80::1' }],
	])('%s is understood', (spec, parts) => {
		expect(parseHostSpec(spec)).toEqual(parts);
	});
	test.each(['-oProxyCommand=x', 'a b', 'a;b', '$(id)', 'a\nb', "a'b", 'a:99999', ''])('%j is refused', (spec) => {
		expect(() => parseHostSpec(spec)).toThrow('is no host');
	});
});
