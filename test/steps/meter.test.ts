import { describe, expect, test } from 'vitest';
import type { RunEvent } from '../../src/report/events.ts';
import { formatProgress } from '../../src/report/progress.ts';
import { Meter } from '../../src/steps/meter.ts';

const MIB = 1024 ** 2;
type Told = Extract<RunEvent, { kind: 'progress' }>;

function makeMeter(sizes: (number | null)[]): { meter: Meter; told: Told[] } {
	const told: Told[] = [];
	const files = sizes.map((size, index) => ({ name: `file${index}`, size }));
	return { meter: new Meter('fetch', 'fetch', files, (event) => told.push(event as Told), 1_000_000), told };
}

describe('the progress of files', () => {
	test('tells the sum, the rate, the time left, and each file under way with its mirror', () => {
		const { meter, told } = makeMeter([4 * MIB, 4 * MIB, 2 * MIB]);
		meter.at('file0', 0, 'https://near.example.org/pub/file0', 1_000_000);
		meter.at('file1', 0, 'ftp://far.example.org/file1', 1_000_001);
		meter.at('file1', MIB, 'ftp://far.example.org/file1', 1_000_500);
		meter.at('file0', 2 * MIB, '', 1_001_000);
		expect(told.at(-1)).toEqual({
			...{ kind: 'progress', id: 'fetch', way: 'fetch', done: 3 * MIB, total: 10 * MIB, rate: 3 * MIB, left: 3 },
			files: [
				{ name: 'file0', done: 2 * MIB, total: 4 * MIB, mirror: 'near.example.org' },
				{ name: 'file1', done: MIB, total: 4 * MIB, mirror: 'far.example.org' },
			],
		});
		expect(formatProgress(told.at(-1) as Told)).toBe(
			'3.0 MiB of 10.0 MiB, 3.0 MiB/s, 3s left; file0 50% from near.example.org, file1 25% from far.example.org',
		);
	});

	test('counts for the rate what came now, not what was there before, and of late, not of long ago', () => {
		const { meter, told } = makeMeter([100 * MIB]);
		meter.at('file0', 50 * MIB, '', 1_000_100);
		expect(told.at(-1)?.rate).toBe(0);
		for (let second = 1; second <= 30; second++) meter.at('file0', 50 * MIB + second * MIB, '', 1_000_100 + second * 1000);
		for (let second = 31; second <= 60; second++) meter.at('file0', 80 * MIB, '', 1_000_100 + second * 1000);
		expect(told.at(-1)).toMatchObject({ done: 80 * MIB, rate: 0, left: null });
	});

	test('is told a few times a second at most, and leaves out files that are there', () => {
		const { meter, told } = makeMeter([MIB, MIB]);
		meter.at('file0', MIB, '/srv/mirror', 1_000_300);
		for (let ms = 0; ms < 200; ms++) meter.at('file1', ms, '/srv/mirror', 1_000_301 + ms);
		expect(told.length).toBe(1);
		meter.at('file1', 1000, '/srv/mirror', 1_000_600);
		expect(told.at(-1)?.files).toEqual([{ name: 'file1', done: 1000, total: MIB, mirror: 'this machine' }]);
	});

	test('promises nothing where a size is not known', () => {
		const { meter, told } = makeMeter([MIB, null]);
		meter.at('file1', 1000, '', 1_000_600);
		expect(told.at(-1)).toMatchObject({ total: null, left: null });
	});
});
