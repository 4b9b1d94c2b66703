import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openJournal } from '../../src/journal/journal.ts';
import type { RunEvent } from '../../src/report/events.ts';
import { HostLink } from '../../src/run/host-link.ts';
import { HostProgram as Driver } from '../../src/run/host-program.ts';
import { run } from '../../src/run/run.ts';
import { sshTransport } from '../../src/transport/ssh.ts';
import { haveSshd, startSshd } from '../contract/sshd.ts';
import { HostProgram, makeStep, trace } from '../host/host-program.ts';
import { stretchWire } from '../lab/tcp-proxy.ts';

/** Passes with 150 ms each way (300 ms there and back) as well, in 25 seconds. */
const LINE = { ms: 50, nth: 20, stallMs: 300 };

test.skipIf(!haveSshd)(
	'a run over a long line that loses one packet in twenty, to an sshd of one session at a time, does each step once, in order (needs sshd)',
	async () => {
		const sshd = await startSshd(['MaxSessions 1']);
		const wire = await stretchWire(() => sshd.port, LINE);
		const dir = mkdtempSync(join(tmpdir(), 'bsdup-slow-'));
		const program = new HostProgram((top) => [
			makeStep('one', ['n=0; while [ $n -lt 500 ]; do n=$((n + 1)); echo "line $n"; done', trace(top, 'one')]),
			makeStep('beside', [trace(top, 'beside')]),
			makeStep('two', ['sleep 1', trace(top, 'two')], { needs: ['one', 'beside'], proof: `[ -f '${top}/trace' ]` }),
		]);
		const knownHosts = join(dir, 'known_hosts');
		writeFileSync(knownHosts, `${sshd.known.replace(/^\S+/, `[127.0.0.1]:${wire.port}`)}\n`);
		const transport = sshTransport({
			host: `${sshd.user}@127.0.0.1:${wire.port}`,
			become: 'none',
			identity: sshd.identity,
			knownHostsFile: knownHosts,
			configFile: '/dev/null',
		});
		const journal = openJournal(join(dir, 'journal.jsonl'));
		try {
			const plan = program.plan();
			const link = new HostLink(transport, () => {}, 60_000);
			const events: RunEvent[] = [];
			await transport.connect();
			const outcome = await run({
				...{ plan, transport, link, journal, host: new Driver(plan, transport, link), emit: (event) => events.push(event) },
				...{
					signal: new AbortController().signal,
					confirm: async () => true,
					carrier: { who: 'me', gone: [], takeOver: false },
					pauseAtReboot: false,
				},
				...{ cache: { dir, maxBytes: 0 }, logins: [], bandwidth: null, console: null, rebootMs: 60_000 },
			});
			expect(outcome).toBe('done');
			const lines = events.flatMap((event) => (event.kind === 'log' && event.id === 'one' ? [event.line] : []));
			expect([lines.length, lines.at(-1)]).toEqual([500, 'line 500']);
			expect(program.traces().slice(0, 2).sort()).toEqual(['beside', 'one']);
			expect(program.traces().slice(2)).toEqual(['two']);
		} finally {
			journal.close();
			await transport.close();
			wire.close();
			await sshd.stop();
			program.remove();
			rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
		}
	},
);
