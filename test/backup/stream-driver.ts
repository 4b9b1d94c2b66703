import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { openJournal } from '../../src/journal/journal.ts';
import type { Plan, Step } from '../../src/plan/plan.ts';
import type { HostLink } from '../../src/run/host-link.ts';
import type { StepContext } from '../../src/steps/context.ts';
import { runStream } from '../../src/steps/stream.ts';
import { localTransport } from '../../src/transport/local.ts';

/**
 * One stream step by itself, this machine in the place of the host: `stream-driver.js DIR COMMAND KIB TOTAL` writes to DIR/here, by
 * a run whose directory is DIR/run. A program of its own, so that a test can kill it and give it a disk of its own.
 */
const [top = '', command = '', kib = '100', total = '1000'] = process.argv.slice(2);
mkdirSync(join(top, 'run'), { recursive: true });
const transport = localTransport({ become: 'none' });
const step = { id: 'backup-here', commands: [command], measure: `echo 0 ${total}`, timeout: 60, danger: 'none' } as unknown as Step;
const about = '{"format":1,"kind":"split","base":"b"';
const receive = { dir: join(top, 'here'), base: 'b', volumeKiB: Number(kib), about };
const context = {
	plan: { run: 'run-1', dir: join(top, 'run'), receive, steps: [step] } as unknown as Plan,
	transport,
	link: { run: transport.run, retry: (use: () => Promise<unknown>) => use() } as unknown as HostLink,
	host: { settle: async () => false, consented: async () => {} },
	journal: openJournal(join(top, 'journal')),
	emit: () => {},
	signal: new AbortController().signal,
} as unknown as StepContext;
try {
	await runStream(step, context);
} catch (error) {
	const { code, message } = error as { code?: string; message: string };
	console.log(`${code}: ${message}`);
	process.exitCode = 1;
}
