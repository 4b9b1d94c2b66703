import { afterEach, describe, expect, test } from 'vitest';
import { buildPlan } from '../../src/plan/build.ts';
import { type BareTree, canEnterTrees, makeBareTree } from '../lab/bare-tree.ts';
import { inPlace, makeFacts, makeOptions, makeTarget } from './make.ts';
import { linesOf, runLines } from './run-step.ts';

let tree: BareTree | undefined;
afterEach(() => tree?.destroy());

/** A host on which these daemons run; `stop` and `start` run the step and what takes it back, and tell what they said, `back` whether it is. */
function host(release: '4.9' | '7.7', to: string, running: string[], programs: Record<string, string> = {}) {
	const on = makeBareTree(release);
	tree = on;
	const facts = makeFacts({ release, daemons: { enabled: [], running } });
	const plan = buildPlan(inPlace, facts, makeTarget(to), makeOptions(), 'in-place');
	on.lay({ dirs: [plan.dir, 'var/run/rc.d'], programs });
	const step = plan.steps.find(({ id }) => id === 'quiesce');
	const run = (lines = ''): string => {
		const { status, stdout } = runLines(on, lines);
		expect(status, stdout).toBe(0);
		return stdout;
	};
	return {
		on,
		stop: () => run(linesOf(plan, 'quiesce')),
		start: () => run(step?.undo),
		back: () => runLines(on, step?.undone ?? '').status === 0,
	};
}

describe.skipIf(!canEnterTrees)('what need not run (needs root or user namespaces)', () => {
	test('is stopped, enabled or not, and started again', () => {
		const { on, stop, start, back } = host('7.7', '7.8', ['httpd', 'cron']);
		const running = (): string => on.run('ls /var/run/rc.d').stdout;
		on.run('touch /var/run/rc.d/httpd /var/run/rc.d/cron');
		stop();
		expect([running(), back()]).toEqual(['', false]);
		start();
		expect([running(), back()]).toEqual(['cron\nhttpd\n', true]);
	});

	test('is stopped by its name where base has no scripts for it; then cron is started again, and what is not is told', () => {
		// Of this tree alone: it sees what the other hosts of this machine run.
		const programs = {
			pkill: 'rm "/var/run/$2"; [ "$1" = -x ]',
			pgrep: '[ "$1" = -x ] && ls "/var/run/$2"',
			cron: ': >/var/run/cron',
		};
		const { on, stop, start, back } = host('4.9', '5.0', ['ntpd', 'cron'], programs);
		const running = (): string => on.run('ls /var/run').stdout;
		on.run('touch /var/run/ntpd /var/run/cron');
		stop();
		expect([running(), back()]).toEqual(['rc.d\n', false]);
		expect(start()).toContain('ntpd stays stopped until it is started by hand, or the host is rebooted\n');
		expect([running(), back()]).toEqual(['cron\nrc.d\n', true]);
	});

	test('is not told to be started again where nothing can start it, until that was said', () => {
		const programs = { pkill: 'rm "/var/run/$2"', pgrep: 'ls "/var/run/$2"', cron: 'exit 1' };
		const { on, stop, start, back } = host('4.9', '5.0', ['ntpd', 'cron'], programs);
		on.run('touch /var/run/ntpd /var/run/cron');
		expect(back()).toBe(true);
		stop();
		// Cut before cron was stopped: what runs is not started beside itself.
		on.run('touch /var/run/cron');
		expect(back()).toBe(false);
		expect(start()).toContain('ntpd stays stopped until');
		expect(back()).toBe(true);
	});

	test('is stopped by the script of its package, also where that knows no force yet', () => {
		const { on, stop, start, back } = host('4.9', '5.0', ['postgresql']);
		const running = '/var/run/postgresql';
		const script = `case $1 in start) : >${running} ;; stop) rm ${running} ;; check) [ -f ${running} ] ;; *) echo "usage: $0 start|stop|check"; exit 1 ;; esac`;
		on.lay({ files: { 'etc/rc.d/postgresql': `#!/bin/sh\n${script}\n` } });
		on.run(`chmod 755 /etc/rc.d/postgresql; : >${running}`);
		stop();
		expect([on.run(`ls ${running}`).status === 0, back()]).toEqual([false, false]);
		start();
		expect([on.run(`ls ${running}`).status, back()]).toEqual([0, true]);
	});

	test('and has ended by itself meanwhile stops nothing', () => {
		const { stop } = host('4.9', '5.0', ['ntpd'], { pkill: 'exit 1' });
		stop();
	});
});
