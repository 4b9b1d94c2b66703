import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { whyNot } from '../lab/ability.ts';

/** The test command: installs what real parts are missing (root on Debian only), then lint, types and the suite. */

const PARTS: Record<string, string> = {
	'/usr/sbin/sshd': 'openssh-server',
	'/usr/bin/mksh': 'mksh',
	'/usr/bin/paxtar': 'pax',
	'/usr/bin/signify-openbsd': 'signify-openbsd',
	'/usr/sbin/vsftpd': 'vsftpd',
	'/usr/sbin/nginx': 'nginx-light',
	'/usr/sbin/mkfs.ext4': 'e2fsprogs',
	'/usr/bin/ssh-keygen': 'openssh-client',
	'/usr/bin/pgrep': 'procps',
	'/usr/bin/tcsh': 'tcsh',
	'/usr/bin/fish': 'fish',
	'/usr/bin/xz': 'xz-utils',
};

const POLICY = '/usr/sbin/policy-rc.d';
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

function installParts(): void {
	const missing = Object.entries(PARTS)
		.filter(([file]) => !existsSync(file))
		.map(([, name]) => name);
	if (missing.length === 0) return;
	const able = process.getuid?.() === 0 && existsSync('/etc/debian_version') && process.env['BSDUP_NO_INSTALL'] !== '1';
	console.log(`Missing on this machine: ${missing.join(' ')}`);
	if (!able) {
		console.log('Not installed (needs root on Debian, and BSDUP_NO_INSTALL not set); the tests that need them are skipped by name.');
		return;
	}
	console.log('Installing these Debian packages, with their daemons left stopped.');
	const installed = withoutDaemons(() => apt('update') && apt('install', '-y', '--no-install-recommends', ...missing));
	if (!installed) console.log('Not all could be installed; the tests that need them are skipped by name.');
}

function apt(...args: string[]): boolean {
	const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
	return spawnSync('apt-get', args, { stdio: ['ignore', 'ignore', 'inherit'], env }).status === 0;
}

/** Debian's packages start their daemons unless policy-rc.d(8) forbids it with 101; a machine's own policy is left alone. */
function withoutDaemons<T>(install: () => T): T {
	if (existsSync(POLICY)) return install();
	// Ctrl-C ends apt-get, not this program: the policy must not stay behind.
	const stay = (): void => {};
	for (const signal of SIGNALS) process.on(signal, stay);
	writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755, flag: 'wx' });
	try {
		return install();
	} finally {
		rmSync(POLICY);
		for (const signal of SIGNALS) process.off(signal, stay);
	}
}

/** Which practice host the tests have, where it is not the full one. */
function tellLab(): void {
	const full = whyNot('root');
	if (full === null) return;
	const none = whyNot('namespace');
	if (none === null)
		console.log(`The practice host runs in a user namespace of one uid (${full}); what that cannot do is skipped by name.`);
	else console.log(`There is no practice host (${none}); the tests that need one are skipped by name.`);
}

function check(title: string, command: string, args: string[]): boolean {
	console.log(`== ${title}`);
	return spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] }).status === 0;
}

interface Report {
	numPassedTests: number;
	numFailedTests: number;
	numFailedTestSuites: number;
	numPendingTests: number;
	testResults: { assertionResults: { status: string; fullName: string }[] }[];
}

installParts();
tellLab();
const bin = (name: string): string => join('node_modules/.bin', name);
const lint = check('lint', bin('biome'), ['ci', '.']);
const types = check('types', bin('tsc'), ['--noEmit']);
const dir = mkdtempSync(join(tmpdir(), 'bsdup-tests-'));
const file = join(dir, 'report.json');
const suite = check('tests', bin('vitest'), ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${file}`]);
const report: Report | undefined = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
rmSync(dir, { recursive: true, force: true });
for (const test of report?.testResults.flatMap((result) => result.assertionResults) ?? [])
	if (test.status !== 'passed' && test.status !== 'failed') console.log(`skipped: ${test.fullName}`);
const failed = (report?.numFailedTests ?? 0) + (lint ? 0 : 1) + (types ? 0 : 1) + (suite || (report?.numFailedTests ?? 0) > 0 ? 0 : 1);
const passed = (report?.numPassedTests ?? 0) + (lint ? 1 : 0) + (types ? 1 : 0);
console.log(`${passed} passed, ${failed} failed, ${report?.numPendingTests ?? 0} skipped`);
process.exitCode = failed === 0 && report !== undefined ? 0 : 1;
