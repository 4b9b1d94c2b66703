import { cacheDir } from '../cache/place.ts';
import { BsdupError, EXIT } from '../errors.ts';
import { hasLogin, mirrorTop } from '../fetch/mirror-url.ts';
import { holderOf, holdRun } from '../journal/hold.ts';
import { openJournal } from '../journal/journal.ts';
import type { RunFolder } from '../journal/state.ts';
import { summaryLines } from '../journal/summary.ts';
import { chooseRenderer } from '../report/choose.ts';
import type { Renderer } from '../report/events.ts';
import { goOnAtConsole } from '../run/go-on.ts';
import { HostLink } from '../run/host-link.ts';
import { HostProgram } from '../run/host-program.ts';
import { notBack } from '../run/not-back.ts';
import { type RunOutcome, run } from '../run/run.ts';
import type { StepContext } from '../steps/context.ts';
import { readConfig } from './config.ts';
import { hostConsole } from './inventory.ts';
import { ask, hostTransport } from './open-host.ts';
import { patienceMs, type RunFlags } from './run-flags.ts';
import { bandwidthFlag, sizeFlag } from './size.ts';
import { stopSignal } from './stop-signal.ts';
import { withTypedState } from './typed-state.ts';

/**
 * Carries a run from where it stands, forward, or by `way` elsewhere; returns the exit status. Ctrl-C ends this program, never
 * a job on the host. `again`: the command that goes on.
 */
export async function carry(
	folder: RunFolder,
	flags: RunFlags,
	json: boolean,
	way: (context: StepContext) => Promise<RunOutcome | 'rolled-back'> = run,
	again = 'resume',
): Promise<number> {
	const config = readConfig();
	const bandwidth = flags.bandwidth ?? config.bandwidth;
	const before = holderOf(folder);
	const letGo = await holdRun(folder);
	const journal = openJournal(folder.journal);
	const renderer = chooseRenderer({
		json,
		stdout: process.stdout,
		rows: process.stdout.rows ?? 0,
		columns: process.stdout.columns ?? 80,
		steps: folder.plan.steps.length,
	});
	const transport = hostTransport(folder.host ?? undefined, folder.flags);
	const stop = stopSignal();
	const rebootMs = patienceMs(flags.patience);
	const console = hostConsole(folder.host);
	const notice = (text: string): void => renderer.event({ kind: 'notice', text });
	const link = new HostLink(transport, notice, rebootMs, (last) => notBack(folder.plan, console, rebootMs, last, again), stop.signal);
	if (journal.cut)
		renderer.event({ kind: 'notice', text: "the journal's last line was cut off; the host's own record tells what it would have said" });
	try {
		// A resume may come while the host is between two boots.
		await link.retry(() => transport.connect(), stop.signal);
		const outcome = await way({
			plan: folder.plan,
			transport,
			link,
			host: new HostProgram(folder.plan, transport, link),
			journal,
			emit: (event) => renderer.event(event),
			signal: stop.signal,
			confirm: (lines) => confirm(lines, flags.yes, renderer, stop.signal),
			carrier: { who: holderOf(folder) ?? '', gone: before === undefined ? [] : [before], takeOver: flags['take-over'] },
			pauseAtReboot: flags['pause-at-reboot'],
			cache: { dir: cacheDir(), maxBytes: sizeFlag('max-size', config.cache.maxSize) },
			logins: [...(flags.mirror ?? []), ...config.mirrors].map(mirrorTop).filter(hasLogin),
			bandwidth: bandwidth === undefined ? null : bandwidthFlag(bandwidth),
			...{ console, rebootMs },
		});
		renderer.event({
			kind: 'end',
			status: outcome === 'waiting' ? 'waiting' : 'done',
			lines: {
				done: () => summaryLines(folder.plan, journal.entries),
				waiting: () => waitingLines(folder),
				'rolled-back': () => [`${folder.run} is taken back; ${folder.plan.facts.host} is free for a new run.`],
			}[outcome](),
		});
		return outcome === 'waiting' ? EXIT.waiting : EXIT.done;
	} catch (error) {
		if (stop.by === undefined) {
			renderer.event({ kind: 'end', status: 'failed', lines: [] });
			throw error;
		}
		journal.append({ kind: 'end', status: 'interrupted', detail: stop.by });
		// A shutdown ends this program by SIGTERM or SIGHUP: at the console that is the reboot that was waited for.
		const waiting = transport.local && stop.by !== 'SIGINT';
		renderer.event({
			kind: 'end',
			status: 'waiting',
			lines: waiting
				? waitingLines(folder)
				: [withTypedState(`Interrupted. What runs on the host goes on by itself. To go on: bsdup ${again} ${folder.run}`)],
		});
		return waiting ? EXIT.waiting : EXIT.interrupted;
	} finally {
		stop.off();
		await renderer.close();
		await transport.close();
		journal.close();
		letGo();
	}
}

async function confirm(lines: readonly string[], yes: boolean, renderer: Renderer, signal: AbortSignal): Promise<boolean> {
	for (const text of lines) renderer.event({ kind: 'notice', text });
	if (yes) return true;
	if (!process.stdin.isTTY) return false;
	return (await ask('Go on? Type yes: ', signal)) === 'yes';
}

function waitingLines(folder: RunFolder): string[] {
	const again = `bsdup resume ${folder.run}`;
	const lines = folder.host !== null ? [`Paused. To go on: ${again}`] : goOnAtConsole(folder.plan);
	return lines.map((line) => withTypedState(line));
}

/** Without a terminal nobody can answer; said before anything is written (design: the command line). */
export function requireSomebody(flags: { yes: boolean; unattended: boolean }): void {
	if (process.stdin.isTTY || (flags.unattended && flags.yes)) return;
	throw new BsdupError({
		code: 'E_NO_TERMINAL',
		message: 'there is no terminal to ask at',
		next: ['--unattended --yes   (merge in batch mode, confirm in advance)', 'bsdup plan shows what would be done'],
		exit: EXIT.usage,
	});
}
