import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Facts } from '../../src/facts/facts.ts';
import { renderScript } from '../../src/host/script.ts';
import { buildPlan, hashOf } from '../../src/plan/build.ts';
import { Plan } from '../../src/plan/plan.ts';
import { planText } from '../../src/plan/text.ts';
import { inPlace, makeFacts, makeOptions, makeTarget } from './make.ts';

const make = (options: Parameters<typeof makeOptions>[0] = {}, facts: Parameters<typeof makeFacts>[0] = {}): Plan =>
	buildPlan(inPlace, makeFacts(facts), makeTarget('7.8'), makeOptions(options), 'in-place');
const step = (plan: Plan, id: string): Plan['steps'][number] | undefined => plan.steps.find((one) => one.id === id);

describe('a plan', () => {
	const plan = make();

	test('holds the same strings as text, as JSON and as sh', () => {
		const read = Plan.parse(JSON.parse(JSON.stringify(plan)));
		expect(read).toEqual(plan);
		const text = planText(read)
			.split('\n')
			.map((line) => line.trim());
		const script = renderScript(read).split('\n');
		const strings = plan.steps
			.flatMap((one) => [...one.commands, ...one.done.split('\n'), ...one.proof.split('\n')])
			.filter((line) => line !== '');
		expect(strings.length).toBeGreaterThan(100);
		for (const line of plan.steps.flatMap((one) => one.commands)) expect(text).toContain(line.trim());
		for (const line of strings) expect(script).toContain(line);
		for (const line of strings) expect(text.some((told) => told.endsWith(line.trim()))).toBe(true);
	});

	test('is the same whenever it is made from the same', () => expect(make()).toEqual(plan));

	test('knows its own hash, in whatever order its keys are written', () => {
		const { hash, ...rest } = plan;
		expect(hashOf(rest)).toBe(hash);
		expect(hashOf(Object.fromEntries(Object.entries(rest).reverse()) as typeof rest)).toBe(hash);
	});

	test.each<[string, (changed: Plan) => unknown]>([
		['a command', (changed) => step(changed, 'zone')?.commands.push('true')],
		['the order of commands', (changed) => step(changed, 'zone')?.commands.reverse()],
		['a need', (changed) => step(changed, 'zone')?.needs.pop()],
		['the target', (changed) => Object.assign(changed.target ?? {}, { version: '7.9' })],
		['the facts', (changed) => Object.assign(changed.facts, { rootDisk: 'sd1' })],
		['a SHA256', (changed) => Object.assign(changed.fetch[1] ?? {}, { sha256: '0'.repeat(64) })],
		['the recovery card', (changed) => Object.assign(changed, { recovery: '' })],
	])('edited by hand in %s is found out', (_what, edit) => {
		const changed = structuredClone(plan);
		edit(changed);
		const { hash, ...rest } = changed;
		expect(hashOf(rest)).not.toBe(hash);
	});

	test('names only steps that it has, and puts every need first', () => {
		const seen = new Set<string>();
		for (const one of plan.steps) {
			for (const need of one.needs) expect(seen).toContain(need);
			seen.add(one.id);
		}
	});

	test.each([
		['gtar', '/usr/local/bin/gtar', 'backup'],
		['base tar', null, 'backup-split'],
	])('with %s takes a backup as made by the record of this run alone', (_tar, gnuTar, id) => {
		const made = buildPlan(inPlace, makeFacts({ gnuTar }), makeTarget('7.8'), makeOptions(), 'in-place');
		expect(step(made, id)?.done).toContain(`[ -s ${made.dir}/backup.SHA256 ]`);
		expect(step(made, id)?.commands.at(-1)).toMatch(new RegExp(`^cp \\S+\\.SHA256 ${made.dir}/backup\\.SHA256$`));
	});

	test('lets backup and fetch go side by side, and waits for both before anything is stopped', () => {
		expect(step(plan, 'backup')?.needs).toEqual(['check']);
		expect(step(plan, 'fetch')?.needs).toEqual(['stage']);
		expect(step(plan, 'quiesce')?.needs).toEqual(expect.arrayContaining(['backup-finish', 'verify', 'keep']));
	});

	test('waits for a backup streamed to the controller too, and says where it is', () => {
		const made = make({ backup: { paths: ['/etc'], dir: '', volumeKiB: 1000, here: '/srv/backups' } });
		expect(step(made, 'backup')).toBeUndefined();
		expect(step(made, 'backup-here')?.kind).toBe('stream');
		expect(step(made, 'quiesce')?.needs).toContain('backup-here');
		expect(step(made, 'confirm')?.commands.join('\n')).toContain('is in /srv/backups of the machine that runs bsdup');
		expect(made.receive).toMatchObject({ dir: '/srv/backups', volumeKiB: 1000 });
		expect(JSON.parse(`${made.receive?.about}}`)).toMatchObject({ kind: 'split', paths: ['etc'] });
	});

	test('has the disks checked before they are mounted in the install kernel for a restore by hand', () => {
		const made = make({}, { gnuTar: null });
		expect(step(made, 'backup-words')?.commands.join('\n')).toMatch(/MAKEDEV' sd0; echo ' {2}fsck -p' \/dev\/sd0a.*; echo ' {2}''mount /);
	});

	test('keeps the order when a step in between is left out', () => {
		const bare = make({ backup: null, packages: false });
		expect(step(bare, 'backup')).toBeUndefined();
		expect(step(bare, 'packages')).toBeUndefined();
		expect(step(bare, 'syspatch')?.needs).toEqual(expect.arrayContaining(['firmware', 'installed', 'release-changes']));
	});

	test('fetches and unpacks only the sets that are installed, and base always', () => {
		const files = make({}, { sets: ['comp'] }).fetch.map(({ name }) => name);
		expect(files.filter((name) => name.endsWith('.tgz'))).toEqual(['comp78.tgz', 'base78.tgz']);
	});

	test('lays the sets where there is most room on a file system of the host itself, not on one of the network', () => {
		const [root, usr, home] = makeFacts().mounts as [Facts['mounts'][number], Facts['mounts'][number], Facts['mounts'][number]];
		const setsOn = (changes: Partial<typeof home>): string =>
			buildPlan(
				inPlace,
				makeFacts({ mounts: [root, usr, { ...home, free: 2 * home.free, ...changes }] }),
				makeTarget('7.8'),
				makeOptions(),
				'in-place',
			).sets;
		expect(setsOn({})).toBe('/home/rel');
		expect(setsOn({ device: 'files:/home', type: 'nfs' })).toBe('/usr/rel');
	});

	test('does not touch headers when comp is not installed', () => {
		expect(step(make({}, { sets: ['base'] }), 'zone')?.commands.join('\n')).not.toContain('c++/v1');
	});

	test.each([
		[['base'], ['sysmerge -s etc49.tgz || true']],
		[['base', 'xbase'], ['sysmerge -s etc49.tgz -x xetc49.tgz || true']],
	])('of an old host with %j merges with the set of X only what has X', (sets, merges) => {
		const of49 = buildPlan(inPlace, makeFacts({ release: '4.9', sets }), makeTarget('4.9'), makeOptions(), 'in-place');
		const { commands = [] } = of49.steps.find(({ id }) => id === 'sysmerge') ?? {};
		expect(commands.join('\n').match(/^sysmerge .*$/gm)).toEqual(merges);
		expect(commands.some((line) => /merge\.sh.*xetc/.test(line))).toBe(sets.includes('xbase'));
	});

	test('stops only running daemons that the manifest lists, never sshd', () => {
		const stopping = step(
			make({}, { daemons: { enabled: [], running: ['sshd', 'unbound', 'dhcpleased', 'nginx'] } }),
			'quiesce',
		)?.commands.join('\n');
		expect(stopping).toContain('rcctl -f stop nginx');
		expect(stopping).not.toMatch(/sshd|unbound|dhcpleased/);
	});

	test('turns forwarding off only on request, and only where it is on', () => {
		expect(step(make({ stopForwarding: true }, { forwarding: true }), 'forwarding')?.undo).toContain('forwarding=1');
		expect(step(make({ stopForwarding: true }), 'forwarding')).toBeUndefined();
		expect(step(make({}, { forwarding: true }), 'forwarding')).toBeUndefined();
	});

	test('puts site sets between MAKEDEV and sysmerge, with their hash', () => {
		const sha256 = 'ab'.repeat(32);
		const made = make({ site: [{ file: 'site78.tgz', sha256, path: '/root/site78.tgz' }] });
		const ids = made.steps.map(({ id }) => id);
		expect(ids.indexOf('makedev')).toBeLessThan(ids.indexOf('site'));
		expect(step(made, 'sysmerge-modern')?.needs).toContain('site');
		expect(step(made, 'site')?.commands.join('\n')).toContain(`'SHA256 (site78.tgz) = ${sha256}'`);
		expect(made.fetch.filter((file) => file.step === 'site-fetch')).toEqual([
			{ step: 'site-fetch', name: 'site78.tgz', urls: ['/root/site78.tgz'], sha256, size: null },
		]);
		expect(step(made, 'confirm') && ids.indexOf('site-fetch')).toBeLessThan(ids.indexOf('confirm'));
	});

	test('on several mirrors falls over from one to the next, for the controller and for the host by itself', () => {
		const mirrors = ['https://mirror.example.org/pub', 'ftp://second.example.org/pub'];
		const made = buildPlan(inPlace, makeFacts(), makeTarget('7.8', { mirrors }), makeOptions(), 'in-place');
		const urls = mirrors.map((top) => `${top}/7.8/amd64/base78.tgz`);
		expect(made.fetch.find(({ name }) => name === 'base78.tgz')?.urls).toEqual(urls);
		expect(step(made, 'fetch')?.commands.join('\n')).toContain(`for url in ${urls.join(' ')}; do if ftp -o base78.tgz.part "$url"`);
		expect(planText(made)).toContain('breaks off: ftp://second.example.org/pub\n');
	});

	test('in a directory is told ftp(1) of the host as a URL: a bare path is a host to it', () => {
		const target = makeTarget('7.8', { mirror: '/srv', mirrors: ['/srv'], url: '/srv/7.8/amd64' });
		const made = buildPlan(inPlace, makeFacts(), target, makeOptions(), 'in-place');
		expect(made.fetch.find(({ name }) => name === 'base78.tgz')?.urls).toEqual(['/srv/7.8/amd64/base78.tgz']);
		expect(step(made, 'fetch')?.commands.join('\n')).toContain('for url in file:///srv/7.8/amd64/base78.tgz; do if ftp');
	});

	test('fetched on the host is the same lines as a job; site sets are brought in any case', () => {
		const site = [{ file: 'site78.tgz', sha256: 'ab'.repeat(32), path: '/root/site78.tgz' }];
		const made = make({ fetchOn: 'host', site });
		expect(step(made, 'fetch')).toEqual({ ...step(make({ site }), 'fetch'), kind: 'host' });
		expect(step(made, 'site-fetch')?.kind).toBe('fetch');
	});

	test('starts nothing but builtins and the saved programs after base', () => {
		const commands = step(plan, 'zone')?.commands ?? [];
		const base = commands.findIndex((line) => line.includes('-xzphf base78.tgz'));
		const saved = new RegExp(`^(if \\[ |read |echo |fi$|trap |#|${plan.dir}/bin/|/sbin/oreboot$)`);
		const after = commands.slice(base + 1);
		expect(after.at(-1)).toBe('/sbin/oreboot');
		expect(after.filter((line) => !saved.test(line))).toEqual([]);
	});

	test.each([
		['5.5', '5.6', 'oldqueue'],
		['6.2', '6.3', 'IPv6 addresses by autoconf are others'],
		['6.8', '6.9', 'route-to'],
		['6.9', '7.0', 'SHA-1'],
		['7.8', '7.9', 'LACP'],
	])('tells before anything is done what may keep a host off the network (%s to %s: %s)', (from, to, word) => {
		const made = buildPlan(inPlace, makeFacts({ release: from }), makeTarget(to), makeOptions(), 'in-place');
		const [first = '', ...rest] = step(made, 'notes')?.commands.filter((line) => line.startsWith('echo')) ?? [];
		expect(first).toContain(`'${to}: `);
		expect(first).toContain(word);
		expect(rest.at(-1)).toContain(`faq/upgrade${to.replace('.', '')}.html`);
	});

	test.each([
		['7.7', '7.8', true, ['install -F -m 700 bsd.mp /nbsd']],
		['7.7', '7.8', false, ['install -F -m 700 bsd /nbsd']],
		['6.1', '6.2', true, ['cp bsd.mp /nbsd', 'sync', 'sleep 5', 'sync']],
		['4.9', '5.0', false, ['cp bsd /nbsd', 'sync', 'sleep 5', 'sync']],
	])(
		'has the kernel on the disk before its rename, and syncs after it, before any set (%s to %s, multiprocessor: %s)',
		(from, to, multiprocessor, first) => {
			const made = buildPlan(inPlace, makeFacts({ release: from, multiprocessor }), makeTarget(to), makeOptions(), 'in-place');
			const commands = step(made, 'zone')?.commands ?? [];
			const renamed = commands.indexOf('mv /nbsd /bsd');
			expect(commands.slice(renamed - first.length, renamed)).toEqual(first);
			const synced = commands.indexOf('sync', renamed);
			expect(synced).toBeGreaterThan(renamed);
			expect(synced).toBeLessThan(commands.findIndex((line) => line.startsWith('tar -C /')));
		},
	);

	test('with backup paths that have quotes, $() and line feeds keeps them words', () => {
		const made = make({ backup: { paths: ['/a b', "/it's", '/$(id)', '/-x', '/'], dir: '/mnt', volumeKiB: 1000 } });
		expect(step(made, 'backup')?.commands.join('\n')).toContain(`'a b' 'it'\\''s' '$(id)' ./-x .`);
	});

	test('from a host whose name has sh in it never lets it into a file name', () => {
		expect(step(make({}, { host: '$(reboot) x' }), 'backup')?.commands.join('\n')).not.toContain('$(reboot)');
	});

	test('on every era bounds each step by a timeout and a few attempts', () => {
		for (const name of readdirSync(new URL('./orders/', import.meta.url))) {
			const [from = '', , to = ''] = name.replace('.json', '').split('-');
			const made = buildPlan(inPlace, makeFacts({ release: from }), makeTarget(to === 'snapshot' ? from : to), makeOptions(), 'in-place');
			for (const one of made.steps) expect(one.timeout).toBeGreaterThanOrEqual(60);
		}
	});
});
