import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { shown } from '../../src/backup/shown.ts';
import type { Member } from '../../src/backup/tar-member.ts';
import { TarWalk } from '../../src/backup/tar-walk.ts';
import { GNU_TAR, type Made, makeBackup, makeTree, noise, sh } from './volumes.ts';

describe.skipIf(GNU_TAR === null)('the walk through volumes (needs GNU tar)', () => {
	let top: string;
	let made: Made;
	beforeAll(() => {
		top = mkdtempSync(join(tmpdir(), 'bsdup-walk-'));
		makeTree(top);
		made = makeBackup(top, join(top, 'v'), 'gnu-multivolume');
	});
	afterAll(() => rmSync(top, { recursive: true, force: true }));

	/** `step`: bytes a piece, to have blocks arrive torn. */
	function walk(files: readonly string[], step = 10_240, multi = true): { walk: TarWalk; members: Member[] } {
		const members: Member[] = [];
		const one = new TarWalk(multi, (member) => members.push(member));
		for (const file of files) {
			one.begin(file);
			const bytes = readFileSync(join(made.dir, file));
			for (let at = 0; at < bytes.length; at += step) one.write(bytes.subarray(at, at + step));
		}
		one.finish();
		return { walk: one, members };
	}

	test.each([10_240, 700, 100_000])('finds the members that tar lists, from pieces of %d bytes', (step) => {
		const { walk: done, members } = walk(made.files, step);
		expect(done.fault).toBeNull();
		expect(made.files.length).toBeGreaterThan(4);
		const listed = sh('tar -cf - data | tar --quoting-style=literal -tf -', top);
		expect(`${members.map((member) => Buffer.from(member.name, 'latin1').toString('utf8')).join('\n')}\n`).toBe(listed);
	});

	test.each([
		['the first is missing', (files: string[]) => files.slice(1), 'the volume before it is missing'],
		['one between is missing', (files: string[]) => files.filter((_, index) => index !== 2), 'a volume between is missing'],
		['the last is missing', (files: string[]) => files.slice(0, -1), 'a volume after it is missing'],
		['two are swapped', ([a = '', b = '', c = '', ...more]: string[]) => [a, c, b, ...more], 'wrong order'],
		['one comes twice', ([a = '', b = '', ...more]: string[]) => [a, b, b, ...more], 'goes on with'],
	])('tells that %s', (_what, change, says) => {
		expect(walk(change([...made.files])).walk.fault?.says).toContain(says);
	});

	test('goes through breaks within long names and between files, as tar makes them', () => {
		sh(
			`for i in $(seq 100 260); do d=names/$i$(printf 'x%.0s' $(seq 1 150)); mkdir -p $d; head -c $((i * 7 % 1500)) data/big >$d/$(printf 'f%.0s' $(seq 1 90)); ln -s ../$(printf 't%.0s' $(seq 1 150)) $d/l; done
			mkdir n; tar -cM -L 50 -F 'sh ${top}/v/volume.sh' -f ${top}/n/n.1 names 2>/dev/null`,
			top,
		);
		const files = sh(`ls n | sort -t. -k2n`, top)
			.trim()
			.split('\n')
			.map((name) => `../n/${name}`);
		const { walk: done, members } = walk(files);
		expect(done.fault).toBeNull();
		expect(members.length).toBe(sh('find names', top).trim().split('\n').length);
		expect(files.length).toBeGreaterThan(10);
	});

	test.each([50, 5000])('goes through sparse files of more holes than their header has room for, in volumes of %i KiB', (kib) => {
		mkdirSync(join(top, 'holes'), { recursive: true });
		for (let file = 1; file <= 60; file++) {
			const handle = openSync(join(top, 'holes', String(file)), 'w');
			for (let piece = 0; piece <= file % 40; piece++) writeSync(handle, noise(`${file}`, 4096), 0, 4096, piece * 8192);
			closeSync(handle);
		}
		sh(
			`mkdir -p s${kib}
			tar -cMS -L ${kib} -F 'sh ${top}/v/volume.sh' -f ${top}/s${kib}/s.1 holes`,
			top,
		);
		const files = sh(`ls s${kib} | sort -t. -k2n`, top)
			.trim()
			.split('\n')
			.map((name) => `../s${kib}/${name}`);
		const { walk: done, members } = walk(files);
		expect([done.fault, members.length]).toEqual([null, 61]);
	});

	test('escapes what a name could do to a terminal', () => {
		expect(shown(Buffer.from('ü\n\x1b[2J\\').toString('latin1'))).toBe('ü\\n\\033[2J\\\\');
	});
});
