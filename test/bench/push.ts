import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sshTransport } from '../../src/transport/ssh.ts';
import { haveSshd, startSshd } from '../contract/sshd.ts';

const MIB = 1024 * 1024;
const SIZE = 200 * MIB;
const TURNS = 3;

/** Seconds for 200 MiB over a loopback sshd: by bsdup, hashed on arrival; by `ssh 'cat >file'`; by scp. The best of three each, in turn. */
export async function pushFigures(): Promise<{ bsdup: number; cat: number; scp: number } | null> {
	if (!haveSshd) return null;
	const dir = mkdtempSync(join(tmpdir(), 'bsdup-push-'));
	const sshd = await startSshd();
	const host = sshTransport({
		...{ host: `${sshd.user}@127.0.0.1:${sshd.port}`, become: 'none' as const },
		...{ identity: sshd.identity, knownHostsFile: sshd.knownHosts, configFile: '/dev/null' },
	});
	try {
		const file = join(dir, 'file');
		const hash = createHash('sha256');
		writeFileSync(file, '');
		for (let n = 0; n < SIZE / MIB; n++) {
			const piece = randomBytes(MIB);
			hash.update(piece);
			writeFileSync(file, piece, { flag: 'a' });
		}
		const sha256 = hash.digest('hex');
		await host.connect();
		const options = ['-i', sshd.identity, '-o', `UserKnownHostsFile=${sshd.knownHosts}`, '-o', 'BatchMode=yes', '-F', '/dev/null'];
		const best = { bsdup: Number.POSITIVE_INFINITY, cat: Number.POSITIVE_INFINITY, scp: Number.POSITIVE_INFINITY };
		const time = async (who: keyof typeof best, work: () => unknown): Promise<void> => {
			const began = performance.now();
			await work();
			best[who] = Math.min(best[who], (performance.now() - began) / 1000);
			rmSync(join(dir, 'copy'), { force: true });
		};
		const done = ({ status, stderr }: { status: number | null; stderr: Buffer }): void => {
			if (status !== 0) throw new Error(String(stderr));
		};
		const at = `${sshd.user}@127.0.0.1`;
		for (let turn = 0; turn < TURNS; turn++) {
			await time('bsdup', () => host.push(file, join(dir, 'copy'), { mode: 0o644, sha256 }));
			const line = `ssh ${[...options, '-p', String(sshd.port)].join(' ')} ${at} 'cat >${dir}/copy' <${file}`;
			await time('cat', () => done(spawnSync('sh', ['-c', line])));
			await time('scp', () => done(spawnSync('scp', ['-O', ...options, '-q', '-P', String(sshd.port), file, `${at}:${dir}/copy`])));
		}
		return best;
	} finally {
		await host.close();
		await sshd.stop();
		rmSync(dir, { recursive: true, force: true });
	}
}
