import { readdirSync, readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Whole upgrades first, so that none of them is left to run alone at the end. */
class LongOnesFirst extends BaseSequencer {
	override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
		const rank = ({ moduleId }: TestSpecification): number =>
			/\/test\/(faults|lab\/demo)/.test(moduleId) ? 0 : moduleId.includes('/test/e2e/') ? 1 : 2;
		return (await super.sort(files)).sort((one, other) => rank(one) - rank(other));
	}
}

const all = readdirSync('test', { recursive: true, encoding: 'utf8' })
	.filter((file) => file.endsWith('.test.ts'))
	.map((file) => `test/${file}`);
/** What puts another module in the place of one needs modules of its own. */
const apart = all.filter((file) => readFileSync(file, 'utf8').includes('vi.mock('));

export default defineConfig({
	test: {
		projects: [
			{ extends: true, test: { name: 'apart', include: apart } },
			// The others share what one file of a process made: the modules, and the archives of releases.
			{ extends: true, test: { name: 'together', include: all.filter((file) => !apart.includes(file)), isolate: false } },
		],
		globalSetup: 'test/tools/path.ts',
		disableConsoleIntercept: true,
		testTimeout: 180_000,
		hookTimeout: 60_000,
		// One more than the processors of the smallest machine: whole upgrades mostly wait.
		maxWorkers: 3,
		maxConcurrency: 3,
		sequence: { sequencer: LongOnesFirst },
	},
});
