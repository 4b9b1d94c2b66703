import { expect, test } from 'vitest';
import { buildPlan } from '../../src/plan/build.ts';
import { makeFacts, makeOptions, makeTarget, ramdisk } from '../plan/make.ts';
import { upgradeOn } from './card.ts';

test('the card of an upgrade by the install kernel tells what to boot, and where its sets are', () => {
	const { recovery } = buildPlan(ramdisk, makeFacts(), makeTarget('7.8'), makeOptions(), 'ramdisk');
	expect(upgradeOn(recovery)).toEqual({ sets: '/usr/rel/upgrade', kernels: ['bsd.rd', 'bsd.rd.new'] });
});
