import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { casesOf, runCases, sampleOf, type Tried } from './cases.ts';
import { type Case, KINDS, type Kind } from './cuts.ts';
import { Scene } from './scene.ts';
import { type Weathered, weather } from './storm.ts';
import { learn, type Reference } from './survive.ts';
import { titleOf, type Upgrade, upgrades } from './upgrades.ts';

/** `npm run faults`: every point at which an upgrade can be cut, each kind of cut; see USAGE. */
const USAGE = `usage: npm run faults -- [--from 7.7] [--method METHOD] [--over ssh|console] [--kind KIND]… [--at TEXT]
       [--only FILE] [--case N|N-M] [--shard I/N] [--sample N] [--seed N] [--jobs N] [--cuts N] [--every] [--list] [--storm N]
Without --from, --method, --over: every upgrade there is, both ways. KIND: ${KINDS.join(' ')}.
--at: only points whose title contains TEXT. --only: only cases that FILE has as --list prints them, whatever their number, as those that
are new since another list. --case: one case by the number it was told with, or those from N to M. --shard 2/8: the second eighth. --every: every kind of cut at every point, also
where host and controller cannot know of each other. --cuts: up to N cuts in one upgrade, one after another, which takes a fourth of the
time by 12; what is lost so is cut again, each alone. --storm: N upgrades cut 15 times each at random times, 85 % of them by force, instead
of the points.`;

const { values } = parseArgs({
	options: {
		from: { type: 'string' },
		method: { type: 'string' },
		over: { type: 'string' },
		kind: { type: 'string', multiple: true },
		at: { type: 'string' },
		only: { type: 'string' },
		case: { type: 'string' },
		shard: { type: 'string', default: '1/1' },
		sample: { type: 'string' },
		seed: { type: 'string', default: '1' },
		jobs: { type: 'string', default: '4' },
		cuts: { type: 'string', default: '1' },
		storm: { type: 'string' },
		list: { type: 'boolean', default: false },
		every: { type: 'boolean', default: false },
		help: { type: 'boolean', default: false },
	},
});
if (values.help) {
	console.log(USAGE);
	process.exit(0);
}
// Each program that is started is ended with this one: as many listeners as there are of them.
process.setMaxListeners(0);
const chosen = upgrades(values);
if (chosen.length === 0) throw new Error(`there is no such upgrade, but: ${upgrades().map(titleOf).join('; ')}`);
const all: { faults: string[] }[] = [];
for (const one of chosen) all.push(...(await cutAll(one)));
if (!values.list) console.log(`${all.length} points, ${all.filter(({ faults }) => faults.length === 0).length} survived`);
process.exitCode = all.every(({ faults }) => faults.length === 0) ? 0 : 1;

async function cutAll(upgrade: Upgrade): Promise<{ faults: string[] }[]> {
	const scene = new Scene(upgrade);
	const title = titleOf(upgrade);
	await scene.open();
	try {
		const reference = await learn(scene);
		if (values.storm !== undefined) return await storm(title, scene, reference, Number(values.storm));
		const cases = wanted(casesOf(reference.points, upgrade.over, values.every));
		console.log(`== ${title}: ${reference.points.length} points, ${cases.length} cases`);
		if (values.list) {
			for (const { number, kind, point } of cases) console.log(`${number} ${kind} ${point.title}`);
			return [];
		}
		const tried = await runCases(scene, reference, cases, Number(values.jobs), say, Number(values.cuts));
		tell(title, tried);
		return tried;
	} finally {
		await scene.close();
	}
}

/** A line of a case, and what was lost. */
function say({ case: { number, kind, point }, by, faults, cuts, ms }: Tried): void {
	const how = faults.length > 0 ? `LOST\n    ${faults.join('\n    ')}\n   ` : `${by},`;
	const among = cuts > 1 ? ` for ${cuts} cuts` : '';
	console.log(`${number} ${kind} ${point.title.slice(0, 110)}: ${how} ${Math.round(ms / 1000)} s${among}`);
}

/** N upgrades, some at a time, each cut again and again. */
async function storm(title: string, scene: Scene, reference: Reference, runs: number): Promise<Weathered[]> {
	const numbers = Array.from({ length: runs }, (_, index) => index + 1);
	const done: Weathered[] = [];
	const work = async (): Promise<void> => {
		for (let run = numbers.shift(); run !== undefined; run = numbers.shift()) {
			const one = await weather(scene, reference, run, Number(values.seed));
			done.push(one);
			const end = one.faults.length > 0 ? `LOST\n    ${one.faults.join('\n    ')}` : 'nothing lost';
			console.log(`run ${run}: ${one.forced} of 15 cuts forced, ${one.midway} midway, ${one.cards} by the card: ${end}`);
		}
	};
	await Promise.all(Array.from({ length: Number(values.jobs) }, work));
	const whole = done.filter(({ faults }) => faults.length === 0).length;
	console.log(`-- ${title}: ${runs} runs of 15 cuts, ${whole} with nothing lost`);
	return done;
}

function wanted(cases: readonly Case[]): Case[] {
	const [part = 1, parts = 1] = values.shard.split('/').map(Number);
	const kinds = values.kind as Kind[] | undefined;
	const [first = 1, last = first] = values.case?.split('-').map(Number) ?? [1, Number.POSITIVE_INFINITY];
	const listed = values.only === undefined ? undefined : new Set(readFileSync(values.only, 'utf8').split('\n').map(unnumbered));
	const some = cases.filter(
		({ number, kind, point }) =>
			number >= first &&
			number <= last &&
			(kinds === undefined || kinds.includes(kind)) &&
			(values.at === undefined || point.title.includes(values.at)) &&
			listed?.has(`${kind} ${point.title}`) !== false,
	);
	const share = some.filter((_, index) => index % parts === part - 1);
	return values.sample === undefined ? share : sampleOf(share, Number(values.sample), Number(values.seed));
}

/** A line of --list without the number, which is another in each run that is learned from. */
function unnumbered(line: string): string {
	return line.replace(/^\d+ /, '');
}

/** A line for each kind, then all: how many, how many survived and by what; last, upgrades in which several were lost together. */
function tell(title: string, all: readonly Tried[]): void {
	const tried = all.filter(({ faults, cuts }) => faults.length === 0 || cuts === 1);
	const line = (name: string, some: readonly Tried[]): void => {
		const survived = some.filter(({ faults }) => faults.length === 0);
		const by = ['itself', 'resumed', 'power cycle', 'card', 'back'].map(
			(way) => `${survived.filter((one) => one.by === way).length} ${way}`,
		);
		const again = survived.filter((one) => one.again.length > 0).length;
		console.log(
			`${name}: ${some.length} points, ${survived.length} survived (${by.join(', ')}; ${again} did something again that had been cut)`,
		);
	};
	console.log(`-- ${title}`);
	for (const kind of KINDS) {
		const some = tried.filter((one) => one.case.kind === kind);
		if (some.length > 0) line(`   ${kind}`, some);
	}
	line('   all', tried);
	if (all.length > tried.length) console.log(`   ${all.length - tried.length} upgrades were lost that were cut several times`);
}
