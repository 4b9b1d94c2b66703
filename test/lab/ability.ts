import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { type LabKind, unshareFlags } from './namespaces.ts';

const SEARCH = ['/usr/bin', '/bin', '/usr/sbin', '/sbin'];

/** Why this machine cannot have a practice host of this kind; null = it can. */
export function whyNot(kind: LabKind): string | null {
	if (process.platform !== 'linux') return 'the practice host needs Linux';
	if (kind === 'root' && process.getuid?.() !== 0) return 'it needs root';
	if (kind === 'root' && !/^\s*0\s+0\s+4294967295$/m.test(readFileSync('/proc/self/uid_map', 'utf8')))
		return 'it needs a root that is not only one of a user namespace';
	const programs = ['bash', 'unshare', 'nsenter', 'pgrep', 'ssh-keygen', ...(kind === 'root' ? ['sshd', 'mkfs.ext4', 'losetup'] : [])];
	const missing = programs.filter((name) => !SEARCH.some((dir) => existsSync(`${dir}/${name}`)));
	if (missing.length > 0) return `this machine lacks ${missing.join(', ')}`;
	// A private /proc is the last thing a kernel or a container forbids, and without it no process can be told by its start.
	const trial = spawnSync('unshare', [...unshareFlags(kind), 'mount', '-t', 'proc', 'proc', '/proc'], { encoding: 'utf8' });
	if (trial.status !== 0)
		return `the kernel allows no ${kind === 'root' ? '' : 'user '}namespaces here (${trial.stderr.trim() || `unshare ended by ${trial.signal}`})`;
	if (kind === 'root' && spawnSync('losetup', ['-f']).status !== 0) return 'there is no loop device';
	return null;
}

/** The better kind of practice host that this machine can have; null = none, and `NO_LAB` tells why. */
export const LAB: LabKind | null = whyNot('root') === null ? 'root' : whyNot('namespace') === null ? 'namespace' : null;

/** Why there is no practice host at all here, in one line; null where there is one. */
export const NO_LAB: string | null = LAB === null ? whyNot('namespace') : null;

/** The end of the titles of tests that pull the plug. */
export const NEEDS_DISK = 'needs root: a disk image whose unsynced data can be lost';
