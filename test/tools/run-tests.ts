import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { whyNot } from '../lab/ability.ts';
import { installMissing } from './debian.ts';

/** The test command: installs what real parts are missing (root on Debian only), then lint, types and the suite. */

const PARTS: Record<string, string> = {
	'/usr/sbin/sshd': 'openssh-server',
	'/usr/bin/mksh': 'mksh',
	'/usr/bin/paxtar': 'pax',
	'/usr/bin/signify-openbsd': 'signify-openbsd',
	'/usr/sbin/vsftpd': 'vsftpd',
	'/usr/sbin/nginx': 'nginx-light',
	'/usr/lib/python3/dist-packages/pyftpdlib': 'python3-pyftpdlib',
	'/usr/bin/openssl': 'openssl',
	'/usr/sbin/mkfs.ext4': 'e2fsprogs',
	'/usr/bin/ssh-keygen': 'openssh-client',
	'/usr/bin/pgrep': 'procps',
	'/usr/bin/tcsh': 'tcsh',
	'/usr/bin/fish': 'fish',
	'/usr/bin/xz': 'xz-utils',
	'/usr/bin/bsdtar': 'libarchive-tools',
};

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

installMissing(PARTS, 'the tests that need them are skipped by name');
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
