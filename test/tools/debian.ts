import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';

/** Debian packages that tests and benchmarks need, installed where that can be done. */

const POLICY = '/usr/sbin/policy-rc.d';
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Installs what is missing of `parts` (a package for each file), as root on Debian only; `without`: what happens otherwise, for people. */
export function installMissing(parts: Readonly<Record<string, string>>, without: string): void {
	const missing = Object.entries(parts)
		.filter(([file]) => !existsSync(file))
		.map(([, name]) => name);
	if (missing.length === 0) return;
	const able = process.getuid?.() === 0 && existsSync('/etc/debian_version') && process.env['BSDUP_NO_INSTALL'] !== '1';
	console.log(`Missing on this machine: ${missing.join(' ')}`);
	if (!able) {
		console.log(`Not installed (needs root on Debian, and BSDUP_NO_INSTALL not set); ${without}.`);
		return;
	}
	console.log('Installing these Debian packages, with their daemons left stopped.');
	const installed = withoutDaemons(() => apt('update') && apt('install', '-y', '--no-install-recommends', ...missing));
	if (!installed) console.log(`Not all could be installed; ${without}.`);
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
