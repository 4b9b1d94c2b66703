import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { z } from 'zod';
import { localTransport } from './local.ts';

/** A process, told apart from any other that ever had its number. */
export const ProcessMark = z.object({
	pid: z.number().int().positive(),
	/** When it started: in ticks since the boot where the kernel tells, which no step of the clock changes; else as ps(1) says. */
	start: z.string(),
	/** The boot it belongs to; empty where the kernel does not tell. */
	boot: z.string(),
	machine: z.string(),
});
export type ProcessMark = z.infer<typeof ProcessMark>;

/** The mark of a process of this machine; undefined where no such process runs (one that only waits to be reaped does not). */
export async function markOf(pid: number): Promise<ProcessMark | undefined> {
	const start = await startOf(pid);
	return start === undefined ? undefined : { pid, start, boot: bootId(), machine: hostname() };
}

/** True only if the process is proven to have ended; one on another machine, or that cannot be looked at, may still run. */
export async function isGone(mark: ProcessMark): Promise<boolean> {
	if (mark.machine !== hostname()) return false;
	if (mark.boot !== bootId()) return true;
	return (await startOf(mark.pid)) !== mark.start;
}

async function startOf(pid: number): Promise<string | undefined> {
	const stat = readOr(`/proc/${pid}/stat`);
	// The second field is the program's name in brackets, which may hold anything; the third is the state, the 22nd the start (proc(5)).
	const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
	if (stat !== '') return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
	if (bootId() !== '') return undefined;
	const { stdout } = await localTransport({ become: 'none' }).run(`LC_ALL=C TZ=UTC ps -p ${pid} -o lstart=`);
	return stdout.trim() === '' ? undefined : stdout.trim();
}

function bootId(): string {
	return readOr('/proc/sys/kernel/random/boot_id').trim();
}

function readOr(file: string): string {
	try {
		return readFileSync(file, 'utf8');
	} catch {
		return '';
	}
}
