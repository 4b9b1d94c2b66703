import { BsdupError, EXIT } from '../errors.ts';
import { parsePlan } from '../journal/read-plan.ts';
import { RUNS_ON_HOST } from '../plan/host-scope.ts';
import type { Plan } from '../plan/plan.ts';
import { cleanLine } from '../report/clean.ts';
import { quote } from '../transport/quote.ts';
import type { Transport } from '../transport/transport.ts';

/** The run that holds a host, as the host itself tells it. */
export interface HeldRun {
	plan: Plan;
	/** Who carried it last and since when, in its own words. */
	holder: string;
}

/** More is no plan. Bytes. */
const LARGEST_PLAN = 16 * 1024 * 1024;

/**
 * Prints the run, its last holder (src/host/hold.sh) and its plan; nothing where no run holds the host, or one that is not there any more, as
 * on a host restored from a backup: the next inherits it. Only reads.
 */
const LOOK = `cd ${quote(RUNS_ON_HOST)} 2>/dev/null || exit 0
[ -h lock ] || exit 0
run=$(ls -l lock)
run=\${run##*held-by:}
case $run in run-*) ;; *) exit 0 ;; esac
case $run in */*) exit 0 ;; esac
[ -d "$run" ] || exit 0
echo "$run"
n=0
while [ -h "$run/holder.$((n + 1))" ]; do n=$((n + 1)); done
holder=$(ls -l "$run/holder.$n" 2>/dev/null)
echo "\${holder#* -> }"
[ -f "$run/plan.json" ] && [ ! -h "$run/plan.json" ] || exit 0
[ "$(wc -c <"$run/plan.json")" -le ${LARGEST_PLAN} ] && cat "$run/plan.json"
exit 0
`;

/**
 * Finds the run that holds a host, with the plan that lies there; undefined where none does. The plan is held against its own hash, its
 * run and its place. Throws E_HOST_PLAN where it does not check.
 */
export async function heldRun(transport: Transport): Promise<HeldRun | undefined> {
	const { stdout } = await transport.run(LOOK);
	const [run = '', holder = '', ...rest] = stdout.split('\n');
	if (run === '') return undefined;
	const dir = `${RUNS_ON_HOST}/${run}`;
	const refuse = (why: string, cause?: unknown): BsdupError =>
		new BsdupError({
			code: 'E_HOST_PLAN',
			message: `${cleanLine(run)} holds ${transport.name}, but ${why}`,
			state: 'Nothing was changed on the host; the run stands as its own record says.',
			next: [
				'bsdup resume on the machine that began it',
				`sh ${quote(cleanLine(dir))}/resume.sh   (on the host, as root: goes on there)`,
				`sh ${quote(cleanLine(dir))}/resume.sh release   (on the host: gives that run up)`,
			],
			exit: EXIT.usage,
			cause,
		});
	const text = rest.join('\n');
	if (text.trim() === '') throw refuse('its plan is not there: it was begun by the script at the console, or never wholly laid there');
	let plan: Plan;
	try {
		plan = parsePlan(text, `${dir}/plan.json`);
	} catch (error) {
		throw refuse(`its plan cannot be used: ${cleanLine((error as Error).message)}`, error);
	}
	if (plan.run !== run || plan.dir !== dir) throw refuse(`the plan in ${cleanLine(dir)} is that of another run, ${plan.run}`);
	// A host says nothing about where files go on this machine, in a hop after this one neither.
	if (plan.receive !== undefined || plan.onward?.request['backup-here'] !== undefined)
		throw refuse('its backup is written to a directory on the machine that began it');
	return { plan, holder: cleanLine(holder) };
}
