import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { BsdupError } from '../../src/errors.ts';
import { HostLink } from '../../src/run/host-link.ts';
import { localTransport } from '../../src/transport/local.ts';

afterEach(() => vi.restoreAllMocks());

const MINUTE = 60_000;
const lost = (code: string): BsdupError => new BsdupError({ code, message: 'lost' });

describe('a host that does not answer', () => {
	/** Lets time pass. */
	const pass = (): ((ms: number) => void) => {
		let off = 0;
		const now = performance.now.bind(performance);
		vi.spyOn(performance, 'now').mockImplementation(() => now() + off);
		return (ms) => {
			off += ms;
		};
	};
	const linkTo = (connect = async (): Promise<void> => {}): HostLink =>
		new HostLink({ ...localTransport({ become: 'none' }), connect }, () => {}, 30 * MINUTE);

	test('is waited for from when it was lost, not from when a long transfer began', async () => {
		const later = pass();
		let tries = 0;
		const pushed = linkTo().retry(async () => {
			later(40 * MINUTE);
			if (++tries < 3) throw lost('E_CONNECTION_LOST');
			return 'pushed';
		});
		expect([await pushed, tries]).toEqual(['pushed', 3]);
	});

	test.each(['E_TIMEOUT', 'E_CHANNEL'])('is given up where it takes connections only, and each command is %s', async (code) => {
		const later = pass();
		let tries = 0;
		const called = linkTo().retry(async () => {
			later(20 * MINUTE);
			tries++;
			throw lost(code);
		});
		await expect(called).rejects.toMatchObject({ code: 'E_NOT_BACK' });
		expect(tries).toBe(3);
	});

	test('is given up where it takes no connection in that time', async () => {
		const later = pass();
		const connect = async (): Promise<void> => {
			later(20 * MINUTE);
			throw lost('E_CONNECT');
		};
		const called = linkTo(connect).retry(async () => {
			throw lost('E_CONNECTION_LOST');
		});
		await expect(called).rejects.toMatchObject({ code: 'E_NOT_BACK' });
	});

	test('is waited for no longer after Ctrl-C', async () => {
		const stop = new AbortController();
		const transport = { ...localTransport({ become: 'none' }), connect: async () => Promise.reject(lost('E_CONNECT')) };
		const link = new HostLink(
			{ ...transport, run: async () => Promise.reject(lost('E_CONNECTION_LOST')) },
			() => {},
			20_000,
			undefined,
			stop.signal,
		);
		const began = performance.now();
		const called = expect(link.run('true')).rejects.toThrow();
		await sleep(1_500);
		stop.abort();
		await called;
		expect(performance.now() - began).toBeLessThan(2_500);
	});

	test('is asked no more after Ctrl-C, whatever it is about', async () => {
		const stop = new AbortController();
		const link = new HostLink(localTransport({ become: 'none' }), () => {}, 20_000, undefined, stop.signal);
		const called = expect(link.run('sleep 20')).rejects.toThrow();
		await sleep(500);
		stop.abort();
		await called;
	});
});
