import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PieceWriter } from '../backup/pieces.ts';
import { shown } from '../backup/shown.ts';
import { TarWalk } from '../backup/tar-walk.ts';
import { BsdupError } from '../errors.ts';
import type { Plan, Step } from '../plan/plan.ts';
import { isPassing } from '../run/host-link.ts';
import { quote } from '../transport/quote.ts';
import type { StepContext, StepOutcome } from './context.ts';
import { stepFailed } from './failure.ts';

/** What earlier steps left in the run's directory, and how it is called beside the pieces (manifests/README.md, stream). */
const BESIDE = { 'etc.tgz': 'small.tgz', 'backup.recovery': 'RECOVERY.txt' } as const;
/** A connection lost so often is not found again by trying. */
const LOST_LIMIT = 5;
const PROGRESS_MS = 250;
const LIST_PIECE = 65_536;

type Receive = NonNullable<Plan['receive']>;

/**
 * The host writes an archive on its standard output, the controller keeps it in pieces that `cat` joins. What is cut begins anew: a
 * live system fits no older beginning. MANIFEST.json comes last; where it is there already, nothing is left to do.
 */
export async function runStream(step: Step, context: StepContext): Promise<StepOutcome> {
	const { plan, host } = context;
	const { receive } = plan;
	if (receive === undefined) throw stepFailed(context, step, 'the plan does not say where it goes');
	if (await host.settle(step.id)) return 'already';
	if (!existsSync(join(receive.dir, `${receive.base}.MANIFEST.json`))) await receiveAll(step, context, receive);
	await report(context, receive);
	await host.consented(step.id);
	return 'done';
}

async function receiveAll(step: Step, context: StepContext, receive: Receive): Promise<void> {
	const { plan, journal, link, transport } = context;
	const total = await sizeOf(step, context);
	await checkRoom(receive.dir, total);
	for (let attempt = 1; ; attempt++) {
		const writer = new PieceWriter(receive.dir, receive.base, receive.volumeKiB * 1024);
		journal.append({ kind: 'step', id: step.id, status: 'running', attempt, detail: '' });
		try {
			writer.expect(total ?? 0);
			await writer.begin();
			await takeArchive(step, context, writer, total);
			for (const [from, name] of Object.entries(BESIDE)) await writer.put(name, await fileOf(context, `${plan.dir}/${from}`));
			await writer.put('MANIFEST.json', await manifestText(context, receive, writer));
			return;
		} catch (error) {
			await writer.abandon();
			if (!isPassing(error) || attempt >= LOST_LIMIT || context.signal.aborted) throw error;
			context.emit({
				kind: 'notice',
				text: `${step.id}: ${transport.name} was lost; the archive begins anew, for the host went on changing`,
			});
			await link.retry(() => transport.connect(), context.signal);
		}
	}
}

/** One try: from the first byte to the end of the archive. */
async function takeArchive(step: Step, context: StepContext, writer: PieceWriter, total: number | null): Promise<void> {
	let names = '';
	const walk = new TarWalk(false, ({ name }) => {
		names += `${shown(name)}\n`;
	});
	const mustBeWhole = (): void => {
		if (walk.fault !== null) throw notWhole(walk.fault.says);
	};
	const began = Date.now();
	let done = 0;
	let told = 0;
	const tell = (): void => {
		told = Date.now();
		const rate = done / Math.max(0.001, (told - began) / 1000);
		context.emit({ kind: 'progress', id: step.id, done, total: total === null ? null : Math.max(total, done), rate });
	};
	const { code, signal, stderr } = await context.transport.run(step.commands.join('\n'), {
		timeoutMs: step.timeout * 1000,
		signal: context.signal,
		onBytes: async (bytes) => {
			walk.write(bytes);
			mustBeWhole();
			await writer.write(bytes);
			if (names.length > LIST_PIECE) {
				await writer.list(names);
				names = '';
			}
			done += bytes.length;
			if (Date.now() - told >= PROGRESS_MS) tell();
		},
	});
	for (const line of stderr.split('\n').filter((one) => one !== '')) context.emit({ kind: 'log', id: step.id, line });
	// 1 is also a file that changed while it was read; base tar has no other status.
	if (code !== 0 && code !== 1) throw stepFailed(context, step, `tar ended by ${signal ?? `status ${code}`}`, stderr.trim().slice(-500));
	walk.finish();
	mustBeWhole();
	await writer.end();
	await writer.list(names);
	await writer.nameList();
	if (stderr.trim() !== '') await writer.put('SAID', stderr);
	tell();
}

function notWhole(what: string): BsdupError {
	return new BsdupError({
		code: 'E_BACKUP_ARCHIVE',
		message: `the archive from the host is not whole: ${what}`,
		state: 'The host was only read. The backup here is not finished: it has no MANIFEST.json.',
		next: ['bsdup resume'],
	});
}

/** Bytes to come, or null where the step does not tell. */
async function sizeOf(step: Step, { link }: StepContext): Promise<number | null> {
	const { stdout } = await link.run(step.measure === '' ? ':' : step.measure, { timeoutMs: step.timeout * 1000 });
	const total = Number(stdout.trim().split(' ')[1] ?? Number.NaN);
	return Number.isFinite(total) ? total : null;
}

/** Throws E_BACKUP_SPACE where the nearest directory that exists has less free than is to come. */
async function checkRoom(dir: string, total: number | null): Promise<void> {
	let there = dir;
	while (!existsSync(there)) there = dirname(there);
	const { bavail, bsize } = await statfs(there);
	if (total === null || total <= bavail * bsize) return;
	const mib = (bytes: number): number => Math.ceil(bytes / 1048576);
	throw new BsdupError({
		code: 'E_BACKUP_SPACE',
		message: `${mib(total)} MiB to back up, ${mib(bavail * bsize)} MiB free in ${there} on this machine`,
		next: ['another --backup-here DIR', 'back up less: --backup, --exclude'],
	});
}

/** A small file of the host, as it is. */
async function fileOf({ link }: StepContext, path: string): Promise<Buffer> {
	const { stdout } = await link.run(`cat ${quote(path)}`, { encoding: 'latin1', timeoutMs: 600_000 });
	return Buffer.from(stdout, 'latin1');
}

async function manifestText(context: StepContext, receive: Receive, { pieces }: PieceWriter): Promise<string> {
	const small = createHash('sha256')
		.update(await fileOf(context, `${context.plan.dir}/etc.tgz`))
		.digest('hex');
	const rest = {
		made: new Date().toISOString().replace(/\.\d+/, ''),
		volumes: pieces,
		bytes: pieces.reduce((sum, { bytes }) => sum + bytes, 0),
		small: { file: `${receive.base}.small.tgz`, sha256: small },
		changed: 0,
	};
	return `${receive.about},${JSON.stringify(rest).slice(1)}\n`;
}

/** What the run tells at its end; the host keeps it with what the other steps found. */
async function report({ link, plan }: StepContext, { dir, base }: Receive): Promise<void> {
	const lines = [`the backup is ${join(dir, base)} on this machine; how to restore it: ${base}.RECOVERY.txt`];
	if (existsSync(join(dir, `${base}.SAID`))) lines.push(`tar complained while it read: see ${base}.SAID`);
	lines.push('not compared with the disk: each piece was hashed as it came, the archive was read to its end');
	await link.run(`printf '%s\\n' ${lines.map(quote).join(' ')} >${quote(`${plan.dir}/report.backup`)}`);
}
