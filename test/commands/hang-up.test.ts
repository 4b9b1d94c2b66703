import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ROOT } from '../lab/root.ts';
import { talk } from '../lab/terminal.ts';

const CLI = join(ROOT, 'dist/src/cli.js');

/** Words of a command that asks a mirror which says nothing, and goes on for two seconds. */
async function asking(): Promise<string[]> {
	const sockets: Socket[] = [];
	const silent = createServer((socket) => void sockets.push(socket.on('error', () => {}))).listen(0, '127.0.0.1');
	await once(silent, 'listening');
	onTestFinished(() => {
		silent.close();
		for (const socket of sockets) socket.destroy();
	});
	return [CLI, 'mirrors', '--os', 'OpenBSD', '--time', '8', `http://127.0.0.1:${(silent.address() as AddressInfo).port}`];
}

test.skipIf(!existsSync(CLI))('a hang-up ends nothing that has no terminal, as nohup(1) promises (needs npm run build)', async () => {
	const child = spawn(process.execPath, await asking(), { stdio: ['ignore', 'pipe', 'pipe'] });
	await once(child.stderr, 'data');
	child.kill('SIGHUP');
	const [code, signal] = await once(child, 'close');
	expect({ code, signal }).toEqual({ code: 1, signal: null });
});

test.skipIf(!existsSync(CLI) || !existsSync('/usr/bin/script')).each([
	['ends what writes to one, as Ctrl-C does', '2>TOLD', 130],
	['ends nothing that only reads from one, as nohup(1) of macOS and the BSDs leaves it', '</dev/tty >TOLD 2>&1', 1],
])('a hang-up of the terminal %s (needs npm run build and script)', async (_what, streams, status) => {
	const words = (await asking()).map((word) => `'${word}'`).join(' ');
	const told = join(mkdtempSync(join(tmpdir(), 'bsdup-hang-up-')), 'told');
	onTestFinished(() => rmSync(dirname(told), { recursive: true }));
	const line = `${process.execPath} ${words} ${streams.replace('TOLD', told)} & until grep -q asking ${told}; do sleep 0.1; done; kill -HUP $!; wait $!; echo "status $?"`;
	expect((await talk(['sh', '-c', line], [])).shown).toContain(`status ${status}\r`);
});
