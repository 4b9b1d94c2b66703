import { describe, expect, test } from 'vitest';
import { type BackupFlags, backupOptions } from '../../src/cli/backup-flags.ts';
import { backupValues } from '../../src/plan/backup-values.ts';
import { makeFacts, makeOptions } from '../plan/make.ts';

/** Bytes of the largest file of FAT32 (F:C). */
const FAT32_MAX = 4_294_967_295;

const options = (changes: Partial<BackupFlags>) =>
	backupOptions({ backup: ['/etc'], 'backup-to': '/mnt', 'volume-size': '4000M', ...changes });

describe('the options of a backup', () => {
	test.each<[string, Partial<BackupFlags>]>([
		['without a destination', { 'backup-to': undefined }],
		['with a destination that is no plain path', { 'backup-to': '/mnt/$(id)' }],
		['with a destination that climbs', { 'backup-to': '/mnt/../etc' }],
		['with a relative path', { backup: ['etc'] }],
		['with a path of two lines', { backup: ['/a\nb'] }],
		['with an empty pattern', { exclude: [''] }],
		['with a pattern of two lines', { exclude: ['a\nb'] }],
		['with a disk that is a path', { 'backup-device': '/etc/passwd' }],
		['with a disk that is sh', { 'backup-device': 'sd1;reboot' }],
		['with volumes too large for FAT32', { 'volume-size': '4194301K' }],
		['with volumes of 4G, which tar would round up', { 'volume-size': '4G' }],
		['with tiny volumes', { 'volume-size': '1K' }],
		['with a size that is none', { 'volume-size': '4000' }],
		['streamed as volumes of GNU tar', { 'backup-to': undefined, 'backup-here': 'x', 'backup-format': 'gnu' }],
	])('are refused %s, before anything is written', (_what, changes) => {
		expect(() => options(changes)).toThrowError(expect.objectContaining({ code: 'E_USAGE', exit: 2 }));
	});

	test('make volumes that fit FAT32, rounded to records as GNU tar does', () => {
		const backup = options({ 'volume-size': '4194300K' });
		const values = backupValues(makeFacts(), makeOptions({ backup }), '/run');
		expect(values['volumeBytes']).toBe('4294963200');
		expect(Number(values['volumeBytes'])).toBeLessThanOrEqual(FAT32_MAX);
	});

	test('mount a disk on /mnt when nothing is said, and take its name with or without /dev', () => {
		expect(options({ 'backup-to': undefined, 'backup-device': '/dev/sd1i' })).toMatchObject({ device: 'sd1i', dir: '/mnt' });
		expect(options({ 'backup-to': '/backup', 'backup-device': 'sd1' })).toMatchObject({ device: 'sd1', dir: '/backup' });
	});

	test('name a directory as the system does', () => {
		for (const dir of ['/mnt/usb', '/mnt/usb/', '//mnt/./usb//']) expect(options({ 'backup-to': dir }).dir).toBe('/mnt/usb');
		expect(options({ 'backup-to': '/' }).dir).toBe('/');
	});

	test.each(['sd1', 'sd1i', 'da0', 'da0s1', 'nda1p3'])('take a disk as each system names it: %s', (device) => {
		expect(options({ 'backup-to': undefined, 'backup-device': device })).toMatchObject({ device });
	});

	test('keep a directory of this machine absolute, so that a resume finds it from anywhere', () => {
		expect(options({ 'backup-to': undefined, 'backup-here': 'x' }).here).toBe(`${process.cwd()}/x`);
	});
});
