import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildPlan } from '../../src/plan/build.ts';
import { inPlace, makeFacts, makeOptions, makeTarget } from '../plan/make.ts';

/** A plan like any other. */
export const plan = buildPlan(inPlace, makeFacts(), makeTarget('7.8'), makeOptions(), 'in-place');

/** A directory of one's own, with its end. */
export function tempDir(): { dir: string; remove: () => void } {
	const dir = mkdtempSync(join(tmpdir(), 'bsdup-state-'));
	return { dir, remove: () => rmSync(dir, { recursive: true, force: true }) };
}
