import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { renderScript } from '../../src/host/script.ts';
import { HostProgram, makeStep } from '../host/host-program.ts';
import { LAB, NEEDS_DISK } from '../lab/ability.ts';
import { RELEASES } from '../lab/releases.ts';
import { setsOf } from '../lab/tree.ts';
import { makeWorld, type World } from '../lab/world.ts';
import { cutAt } from './cut.ts';
import { targetFlags } from './proof.ts';
import { before } from './stand-in.ts';

/** Where the power goes: before a program whose words fit `at` starts, and `when` holds. */
interface Moment {
	program: string;
	at: string;
	when?: string;
	/** Names and sizes have reached the disk by then, and of what was written only what was synced, and the file named here. */
	disk?: string;
}

/** A file that a run made for itself, outside of what it judges. */
const MINE = '/var/db/bsdup/mine';
const RUN = '/var/db/bsdup/run-2*';
const MARK = `${RUN}/sets.complete`;

let world: World;
let saved: string;
const text = (root: string, path: string): string => {
	const file = join(root, path);
	return existsSync(file) ? readFileSync(file, 'utf8') : 'not there';
};
const runDir = (root: string): string => {
	const runs = join(root, 'var/db/bsdup');
	return join(runs, readdirSync(runs).find((name) => name.startsWith('run-2')) ?? '');
};
const [OLD, NEW, SINGLE] = ['7700 GENERIC.MP', '7800 GENERIC.MP', '7800 GENERIC'];
/** Which kernel a file is, or that it is torn: the last line of a whole one is the hash of what stands before. */
function kernelOf(root: string, path = 'bsd'): string {
	const found = text(root, path);
	const [, body = '', hash] = /^([\s\S]*\n)END ([0-9a-f]{64})\n$/.exec(found) ?? [];
	const whole = createHash('sha256').update(body).digest('hex') === hash;
	return whole ? (body.split('\n', 1)[0]?.replace('LABKERNEL ', '') ?? '') : `torn: ${found.length} bytes`;
}

/** The host as it was right before the zone, with power, and a disk that writes nothing by itself. */
async function beforeTheZone(): Promise<void> {
	await world.host.powerOff();
	execFileSync('cp', ['--sparse=always', saved, join(world.host.dir, 'disk')]);
	await world.host.powerOn();
	const { code, output } = await world.host.inside('/lab/real/bin/mount -o remount,commit=300 /');
	expect([code, output]).toEqual([0, '']);
}

const REACH = `: >${MINE}; echo x >>${MINE}; /lab/real/bin/sync ${MINE}`;

/** Stands in for a program until the moment has come, then holds it for good. */
async function stopAt({ program, at, when = ':', disk }: Moment, begin: string): Promise<() => Promise<void>> {
	const stop = join(world.host.dir, 'lab/stopped');
	rmSync(stop, { force: true });
	const reach = disk === undefined ? '' : `${REACH}${disk === '' ? '' : `; /lab/real/bin/sync ${disk}`}; `;
	const hold = `if ${when}; then ${reach}: >/lab/stopped; exec /lab/real/bin/sleep 100000; fi`;
	const end = before(world, program, `case "$LAB_SELF $*" in ${at}) ${hold} ;; esac`);
	try {
		let said = '';
		void world.host.inside(begin).then(({ code, output }) => {
			// In the zone who began it may die with base's programs, or not find its job by them.
			if (code !== 0 && !/running|lost|^(Bad system call\s*)+$/.test(output)) said = output;
		});
		for (const late = Date.now() + 60_000; !existsSync(stop); await sleep(5))
			if (said !== '' || Date.now() > late) throw new Error(`nothing stopped at ${at}: ${said}`);
	} finally {
		end();
	}
	return () => world.host.powerCut();
}

/** Cuts the power at a moment of the zone, and looks at what the disk holds. */
async function cutInZone<T>(moment: Moment, look: (root: string) => T): Promise<T> {
	await beforeTheZone();
	await (await stopAt(moment, `sh ${RUN}/resume.sh start zone 1`))();
	return world.host.withDisk(look);
}

/** A run of small steps on the host, beside the other. */
const small = new HostProgram(() => [
	makeStep('one', ['cp /bsd /root/made']),
	makeStep('brought', ['true'], { done: '[ -f /root/brought ]' }),
	makeStep('ask', [], { kind: 'confirm' }),
]);
const SMALL = '/var/db/bsdup/run-small';
const smallScript = renderScript({ ...small.plan(), run: 'run-small', dir: SMALL, bootTime: 'sysctl -n kern.boottime' });

/** Calls the small run's program, cuts the power when it has ended, and looks at what the disk holds. */
async function cutAfter<T>(lines: string, look: (root: string) => T): Promise<T> {
	await beforeTheZone();
	const { code, output } = await world.host.inside(
		`s=${SMALL}/resume.sh; mkdir -p ${SMALL}; cp /lab/small.sh $s; rm -f /var/db/bsdup/lock; sync; ${lines}`,
	);
	expect(code, output).toBe(0);
	await world.host.powerCut();
	return world.host.withDisk(look);
}

describe.skipIf(LAB !== 'root')(`when the power goes, and with it what was not synced (${NEEDS_DISK})`, () => {
	beforeAll(async () => {
		world = await makeWorld('7.7', '7.8');
		const { spec } = world.host.ssh;
		const args = ['upgrade', spec, ...world.host.flags, ...targetFlags(world, '7.8'), '--no-backup', '--unattended', '--yes'];
		await cutAt(world, [...args, '--no-packages'], 'running  boot-blocks\n', (kill) => kill('SIGKILL'));
		await world.host.powerOff();
		world.host.withDisk((root) => {
			// Where the job of boot-blocks had not ended it is lost, and in nobody's way.
			rmSync(join(runDir(root), 'jobs/zone'), { recursive: true, force: true });
		});
		writeFileSync(join(world.host.dir, 'lab/small.sh'), smallScript);
		saved = join(world.host.dir, 'disk.saved');
		execFileSync('cp', ['--sparse=always', join(world.host.dir, 'disk'), saved]);
	}, 120_000);
	afterAll(async () => {
		small.remove();
		await world?.destroy();
	});

	test('before the first line of the zone, the boot time from before is on the disk, so that the reboot can be told', async () => {
		const boot = await cutInZone({ program: 'cksum', at: '*' }, (root) => text(runDir(root), 'jobs/zone/boot'));
		expect(boot).toMatch(/^\d+\n$/);
	});

	test('before the first change of the zone, the disk says that there is no return', async () => {
		const there = await cutInZone({ program: 'ln', at: '*"/bsd /obsd"' }, (root) => text(runDir(root), 'no-return'));
		expect(there).toBe('');
	});

	test('what is made once is whole where its marker is on the disk', async () => {
		const moment = { program: 'sync', at: '*', when: `[ -e ${RUN}/once.saved ]`, disk: '' };
		const found = await cutInZone(moment, (root) => ({
			marker: text(runDir(root), 'once.saved'),
			...{ oreboot: text(root, 'sbin/oreboot').length > 0, saved: text(runDir(root), 'bin/sync').length > 0 },
		}));
		expect(found).toEqual({ marker: '', oreboot: true, saved: true });
	});

	test('what is made once is marked on the disk before anything else is changed', async () => {
		const marks = await cutInZone({ program: 'install', at: '*"bsd.rd /bsd.rd"' }, (root) =>
			['obsd', 'saved'].map((name) => text(runDir(root), `once.${name}`)),
		);
		expect(marks).toEqual(['', '']);
	});

	test('between the rename of the kernel and what follows, the kernel is whole, and so is the way back, though sync(8) waits for nothing', async () => {
		await beforeTheZone();
		const end = before(world, 'sync', 'exit 0');
		const cut = await stopAt({ program: 'cp', at: '*"bsd /bsd.sp"', disk: '' }, `sh ${RUN}/resume.sh start zone 1`).finally(end);
		await cut();
		expect(
			world.host.withDisk((root) => ({ bsd: kernelOf(root), ...{ obsd: kernelOf(root, 'obsd'), rd: kernelOf(root, 'bsd.rd') } })),
		).toEqual({ bsd: NEW, obsd: OLD, rd: '7800 RAMDISK' });
	});

	test('before any set is unpacked, the new kernel is on the disk under its name', async () => {
		const found = await cutInZone({ program: 'sha256', at: '*/var/db/kernel.SHA256*' }, (root) => [
			kernelOf(root),
			kernelOf(root, 'bsd.sp'),
		]);
		expect(found).toEqual([NEW, SINGLE]);
	});

	test('the marker of the sets is on the disk only with all of every set', async () => {
		const moment = { program: 'reboot', at: '"/sbin/oreboot "*', disk: MARK };
		const torn = await cutInZone(moment, (root) => {
			expect(text(runDir(root), 'sets.complete')).toMatch(/^[0-9a-f]{64}\n$/);
			const { etc: _, xetc: __, ...sets } = setsOf(RELEASES['7.8']);
			return Object.values(sets)
				.flat()
				.filter((file) => text(root, file.path) !== file.text)
				.map((file) => file.path);
		});
		expect(torn).toEqual([]);
	});

	test('a zone does not go on with a program that a power cut has emptied; it names it, and the recovery card', async () => {
		await beforeTheZone();
		const { code, output } = await world.host.inside(`: >/bin/cksum; sh ${RUN}/resume.sh --yes`);
		expect([code, output]).toEqual([
			1,
			expect.stringMatching(/^\/bin\/cksum is empty, .*recovery card, \/var\/db\/bsdup\/run-\S+\/RECOVERY$/m),
		]);
		expect((await world.host.inside('head -n 1 /bsd')).output).toBe(`LABKERNEL ${OLD}\n`);
	});

	test('a job that is recorded as done has done it, on the disk', async () => {
		const found = await cutAfter(
			`sh $s start one 1; while [ ! -s ${SMALL}/jobs/one/1/rc ]; do sleep 0.1; done; ${REACH}; /lab/real/bin/sync ${SMALL}/jobs/one/1/rc`,
			(root) => [text(root, `${SMALL}/jobs/one/1/rc`), kernelOf(root, 'root/made')],
		);
		expect(found).toEqual(['0\n', OLD]);
	});

	test('a job that has ended is recorded as done, on the disk', async () => {
		const wait = `while [ ! -s ${SMALL}/jobs/one/1/rc ]; do sleep 0.1; done; sleep 1`;
		expect(await cutAfter(`sh $s start one 1; ${wait}`, (root) => text(root, `${SMALL}/jobs/one/1/rc`))).toBe('0\n');
	});

	test('a step that is recorded by its own test has what was brought for it on the disk', async () => {
		const already = `${SMALL}/jobs/brought/already`;
		const found = await cutAfter(`cp /bsd /root/brought; sh $s settle brought; ${REACH}; /lab/real/bin/sync ${already}`, (root) => [
			text(root, already),
			kernelOf(root, 'root/brought'),
		]);
		expect(found).toEqual(['', OLD]);
	});

	test.each([
		['that a walk at the console brings along', { program: 'date', at: '*' }, 'sh /lab/small.sh --yes'],
		[
			'that a controller has laid',
			{ program: 'ln', at: '*held-by:*' },
			`cp /lab/small.sh ${SMALL}/resume.sh; sh ${SMALL}/resume.sh hold me`,
		],
	])('the program %s is whole where it has its name and the host is held', async (_what, moment, begin) => {
		await beforeTheZone();
		const { code, output } = await world.host.inside(`rm -f /var/db/bsdup/lock; mkdir -p ${SMALL}; sync`);
		expect(code, output).toBe(0);
		await (await stopAt({ ...moment, disk: '' }, begin))();
		expect(world.host.withDisk((root) => text(root, `${SMALL}/resume.sh`))).toBe(smallScript);
	});

	test.each([
		['nobody is asked again what they confirmed', 'sh $s consented ask', 'jobs/ask/already', ''],
		['a run that turned back stays turned', 'sh $s turn me', 'turned', ''],
	])('%s', async (_what, lines, file, says) => {
		expect(await cutAfter(lines, (root) => text(root, `${SMALL}/${file}`))).toBe(says);
	});

	test.each([
		['that has ended', 'release', 'not there'],
		['that was taken back', 'went-back', expect.stringMatching(/^\d{4}-/)],
	])('a run %s lets the host go for good', async (_what, verb, mark) => {
		const lines = `sh $s hold me; sync; sh $s ${verb}`;
		const found = await cutAfter(lines, (root) => [
			readdirSync(join(root, 'var/db/bsdup')).includes('lock'),
			text(root, `${SMALL}/rolled-back`),
		]);
		expect(found).toEqual([false, mark]);
	});
});
