import { createHash } from 'node:crypto';
import type { Facts } from '../facts/facts.ts';
import type { Goal, Target } from '../fetch/target.ts';
import { order } from '../manifest/graph.ts';
import type { Manifest, ManifestStep, TaskManifest } from '../manifest/schema.ts';
import { inRange } from '../manifest/version.ts';
import { quote } from '../transport/quote.ts';
import { aboutOf, backupBaseOf } from './backup-values.ts';
import { checkLines, holdAll } from './checks.ts';
import { expandLines, expandText, type Values } from './expand.ts';
import { hostScope, RUNS_ON_HOST } from './host-scope.ts';
import type { PlanOptions } from './options.ts';
import type { Plan, Step } from './plan.ts';
import { type Scope, scopeOf } from './values.ts';

/**
 * Makes the plan: a pure function of manifest, facts, target and options. The running version chooses the
 * commands before the reboot, the target's version those after it; the manifest says which is which.
 */
export function buildPlan(manifest: Manifest, facts: Facts, target: Target | Goal, options: PlanOptions, manifestName: string): Plan {
	const scope = scopeOf(manifest, facts, target, options);
	const to = target.name === 'snapshot' ? `the snapshot ${target.version}` : target.version;
	const title = `${facts.host}: ${facts.system} ${facts.release} to ${to}, ${manifest.title}`;
	return assemble(manifest, facts, target, options, scope, {
		...{ title, manifest: manifestName, rewritten: manifest.rewritten },
		consoleSigns: manifest.consoleSigns,
	});
}

/** The same for a job that leaves the system as it is; `what` it does, for people. */
export function buildTask(manifest: TaskManifest, facts: Facts, options: PlanOptions, manifestName: string, what: string): Plan {
	const scope = taskScope(facts, options);
	return assemble(manifest, facts, null, options, scope, { title: `${facts.host}: ${what}`, manifest: manifestName, rewritten: [] });
}

/** What a job without a target draws on: nothing is fetched or unpacked. */
export function taskScope(facts: Facts, options: PlanOptions): Scope {
	const items: Scope['items'] = { files: [], otherSets: [], allSets: [], stopping: [], site: [], keyBundle: [], health: [] };
	return { ...hostScope({ stage: [RUNS_ON_HOST], rewritten: [] }, facts, options), items, bring: { files: [], site: [], keyBundle: [] } };
}

function assemble(
	manifest: Manifest | TaskManifest,
	facts: Facts,
	target: Target | Goal | null,
	options: PlanOptions,
	scope: Scope,
	head: Pick<Plan, 'title' | 'manifest' | 'rewritten' | 'consoleSigns'>,
): Plan {
	const belongs: Belongs = (condition) =>
		inRange(facts.release, condition.running) &&
		(target === null ? condition.target === undefined : inRange(target.version, condition.target)) &&
		holdAll(condition.is, scope.words);

	const chosen = manifest.steps.filter(belongs);
	const steps = chosen.map((step) => stepOf(step, manifest, scope, belongs, facts, options));
	linkAcross(steps, manifest);
	const ordered = order(steps);
	if ('cycle' in ordered) throw new Error(`cycle in a validated manifest: ${ordered.cycle.join(' ')}`);

	const { backup } = options;
	const plan: Omit<Plan, 'hash'> = {
		format: 1,
		run: options.run,
		title: head.title,
		manifest: head.manifest,
		...(options.chosen === undefined ? {} : { chosen: options.chosen }),
		facts,
		target,
		unattended: options.unattended,
		dir: scope.dir,
		sets: scope.sets,
		bootTime: manifest.bootTime,
		fetch: chosen
			.filter((step) => step.kind === 'fetch')
			.flatMap((step) => {
				const over = step.each?.over;
				return scope.bring[over === 'site' || over === 'keyBundle' ? over : 'files'].map((file) => ({ step: step.id, ...file }));
			}),
		...(backup?.here === undefined
			? {}
			: {
					receive: {
						...{ dir: backup.here, base: backupBaseOf(options.run), volumeKiB: backup.volumeKiB },
						about: aboutOf(facts, options),
					},
				}),
		steps: tellStays(ordered.sorted),
		rewritten: head.rewritten,
		...(head.consoleSigns === undefined ? {} : { consoleSigns: head.consoleSigns }),
		recovery: expandText(manifest.recovery, scope.values),
	};
	return { ...plan, hash: hashOf(plan) };
}

/** Behind the point of no return nothing is taken back, so there is nothing to tell of what stays (a part may be used on either side). */
function tellStays(steps: Step[]): Step[] {
	const last = steps.findIndex(({ danger }) => danger === 'no-return');
	return last < 0 ? steps : steps.map((step, index) => (index > last ? { ...step, stays: '' } : step));
}

/** The plan with what comes after it. */
export function goingOn({ hash: _, ...plan }: Plan, onward: Plan['onward']): Plan {
	const whole = { ...plan, onward };
	return { ...whole, hash: hashOf(whole) };
}

/** SHA256 (hex) of a plan's content without its hash. */
export function hashOf(plan: Omit<Plan, 'hash'>): string {
	return createHash('sha256')
		.update(JSON.stringify(canonical(plan)))
		.digest('hex');
}

function canonical(value: unknown): unknown {
	if (Array.isArray(value)) return value.map(canonical);
	if (typeof value !== 'object' || value === null) return value;
	return Object.fromEntries(
		Object.entries(value)
			.sort(([a], [b]) => (a < b ? -1 : 1))
			.map(([key, inner]) => [key, canonical(inner)]),
	);
}

type Belongs = (condition: { running?: string | undefined; target?: string | undefined; is?: string[] | undefined }) => boolean;

function stepOf(
	step: ManifestStep,
	manifest: Pick<Manifest, 'checks'>,
	scope: Scope,
	belongs: Belongs,
	facts: Facts,
	options: PlanOptions,
): Step {
	const lines = (text: string, values: Values = scope.values): string[] => expandLines(text, values);
	const each = (each: ManifestStep['each']): string[] =>
		each === undefined ? [] : scope.items[each.over].flatMap((item) => lines(each.run, { ...scope.values, ...item }));

	let commands = [...lines(step.run), ...each(step.each)];
	for (const part of step.parts.filter(belongs)) {
		const body = [...lines(part.run ?? ''), ...each(part.each)];
		const marker = `${scope.dir}/once.${part.once ?? ''}`;
		commands.push(`# ${part.title}`);
		// Synced before the marker says so: a marker that outlives its files would send the zone on without them.
		commands.push(...(part.once === undefined ? body : [`if [ ! -f ${marker} ]; then`, ...body, 'sync', `: >${marker}`, 'sync', 'fi']));
	}
	commands.push(...lines(step.end));
	if (step.kind === 'check') commands = checkLines(manifest, facts, scope);
	if (step.kind === 'confirm') commands = [...confirmLines(scope, options), ...commands];
	return {
		id: step.id,
		title: step.title,
		kind: kindOf(step, options),
		needs: step.needs,
		commands,
		done: [...lines(step.done), ...each(step.doneEach)].join('\n'),
		proof: lines(step.proof).join('\n'),
		...(step.returned === '' ? {} : { returned: lines(step.returned).join('\n') }),
		undo: [...lines(step.undo), ...each(step.undoEach)].join('\n'),
		undone: [...lines(step.undone), ...each(step.undoneEach)].join('\n'),
		...(step.undoReboots ? { undoReboots: true } : {}),
		stays: step.stays,
		measure: lines(step.measure).join('\n'),
		timeout: seconds(step.timeout),
		attempts: step.attempts,
		danger: step.danger,
		attended: step.attended && !options.unattended,
	};
}

/** A host that fetches for itself does it as a job, by the same lines; site sets are on the controller and are brought in any case. */
function kindOf({ kind, each }: ManifestStep, { fetchOn }: PlanOptions): Step['kind'] {
	if (kind === 'fetch' && fetchOn === 'host' && each?.over !== 'site') return 'host';
	return kind === 'check' ? 'host' : kind;
}

function confirmLines(scope: Scope, options: PlanOptions): string[] {
	const word = (name: string): string => String(scope.values[name]);
	const backup =
		options.backup === null
			? 'There is NO backup.'
			: `The backup of ${options.backup.paths.join(' ')} is in ${options.backup.here ?? options.backup.dir}${options.backup.here === undefined ? '' : ' of the machine that runs bsdup'}.`;
	const sets = scope.items.allSets.map((item) => String(item['file'])).join(' ');
	const what = sets === '' ? `to go to ${word('version')}` : `to install the kernel ${word('kernel')} and the sets ${sets}`;
	return [`About ${what} and to reboot.`, backup].map((text) => `echo ${quote(text)}`);
}

/** A need that is not in this plan is replaced by that step's own needs, so that leaving a step out keeps the order. */
function linkAcross(steps: Step[], manifest: Pick<Manifest, 'steps'>): void {
	const present = new Set(steps.map((step) => step.id));
	const all = new Map(manifest.steps.map((step) => [step.id, step.needs]));
	const resolve = (id: string): string[] => (present.has(id) ? [id] : (all.get(id) ?? []).flatMap(resolve));
	for (const step of steps) step.needs = [...new Set(step.needs.flatMap(resolve))];
}

function seconds(duration: string): number {
	return Number(duration.slice(0, -1)) * ({ s: 1, m: 60, h: 3600 }[duration.slice(-1)] ?? 1);
}
