import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { PARSERS } from '../../src/facts/parsers.ts';
import { loadProbes } from '../../src/facts/probes.ts';
import { ROOT } from '../lab/root.ts';

const text = readFileSync(join(ROOT, 'test/fixtures/freebsd-13.2-amd64/facts.txt'), 'utf8');
const { probes } = await loadProbes(join(ROOT, 'manifests'), 'FreeBSD');

/** What a real system printed for a command. */
function answer(command: string): { text: string; status: number } {
	const [, printed = '', status = ''] =
		new RegExp(`^\\$ ${command.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}\n([\\s\\S]*?)\\[exit (\\d+)\\]$`, 'm').exec(text) ?? [];
	if (status === '') throw new Error(`the transcript has no ${command}`);
	return { text: printed, status: Number(status) };
}

describe('the probes of FreeBSD understand what a real system printed', () => {
	const mounted = { text: `${answer('mount').text}\n${answer('df -kP').text}`, status: 0 };

	test.each([
		['arch', answer('uname -m'), 'amd64'],
		['packageArch', answer('uname -p'), 'amd64'],
		['release', { text: '13.2-RELEASE\n', status: 0 }, '13.2'],
		['kernel', answer('sysctl -n kern.version'), 'FreeBSD 13.2-RELEASE QEMUTEST'],
		['bootTime', answer('sysctl -n kern.boottime'), 1795473316],
		['securelevel', answer('sysctl -n kern.securelevel'), -1],
		['cpus', answer('sysctl -n hw.ncpu'), 1],
		['versions', answer('freebsd-version -kru'), ['13.2-RELEASE', '13.2-RELEASE', '13.2-RELEASE']],
		['osversion', answer('uname -KU'), '1302001 1302001'],
		['bootMethod', answer('sysctl -n machdep.bootmethod'), 'BIOS'],
		['rootDisk', answer('mount'), '/dev/gpt/rootfs'],
		[
			'mounts',
			mounted,
			[
				{ device: '/dev/gpt/rootfs', path: '/', type: 'ufs', options: ['local'], size: 676444 * 1024, free: 453448 * 1024 },
				{ device: 'devfs', path: '/dev', type: 'devfs', options: [], size: 1024, free: 0 },
			],
		],
	])('%s', (id, given, expected) => {
		const probe = probes.find((one) => one.id === id);
		if (probe === undefined) throw new Error(`no probe ${id}`);
		expect(PARSERS[probe.parse](given, probe)).toEqual(expected);
	});

	// Of OpenBSD -current comes after the release of its number, here before it: it may go there.
	test.each([
		['14.3-RELEASE-p2', 'release'],
		['14.3-STABLE', 'stable'],
		['15.0-RC1', 'beta'],
		['15.0-CURRENT', 'beta'],
	])('%s is a %s', (name, flavour) => {
		const { command = '' } = probes.find(({ id }) => id === 'flavour') ?? {};
		expect(execFileSync('sh', ['-c', `uname() { echo ${name}; }\n${command}`], { encoding: 'utf8' })).toBe(`${flavour}\n`);
	});

	test('and that it has neither pkg nor boot environments is no error', () => {
		expect(answer('bectl check').status).not.toBe(0);
		expect(answer('pkg which /usr/bin/uname').text).not.toContain('was installed by package');
	});
});
