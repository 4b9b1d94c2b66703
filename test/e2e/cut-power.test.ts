import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { LAB, NEEDS_DISK } from '../lab/ability.ts';
import { makeWorld, type World } from '../lab/world.ts';
import { expectWhole, MOMENTS, record, resume, until } from './cut.ts';

/** The recovery card's third way, as a person at the install kernel's shell types it. */
function recoverByCard(on: World): void {
	on.host.withDisk((root) => execFileSync('tar', ['-C', root, '-xzphf', `${root}/usr/rel/base78.tgz`]));
}

/** From the first change of the system on; what was not begun to be changed is cut in test/faults. */
const LATE = MOMENTS.filter(([moment]) => !['in the backup', 'in the fetch'].includes(moment));

describe.skipIf(LAB !== 'root')(`a run whose host loses power, and with it what was not synced (${NEEDS_DISK})`, () => {
	test.concurrent.each(LATE)('goes on after a power cut %s', async (_moment, said) => {
		const on = await makeWorld('7.7', '7.8');
		try {
			let cut: Promise<void> = Promise.resolve();
			await until(on, said, (kill) => {
				cut = sleep(20).then(() => on.host.powerCut());
				void cut.then(() => kill('SIGKILL'));
			});
			await cut;
			await on.host.powerOn().catch((error: unknown) => {
				// A torn base may not boot by itself; a torn kernel must never happen.
				expect(on.host.state, String(error)).toBe('panic');
			});
			if (on.host.state === 'panic') {
				await on.host.powerOff();
				recoverByCard(on);
				await on.host.powerOn();
			}
			const before = await record(on);
			await resume(on);
			await expectWhole(on, before);
		} finally {
			await on.destroy();
		}
	});
});
