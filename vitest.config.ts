import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Whole upgrades first, so that none of them is left to run alone at the end. */
class LongOnesFirst extends BaseSequencer {
	override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
		const rank = ({ moduleId }: TestSpecification): number =>
			moduleId.includes('/test/faults/') ? 0 : moduleId.includes('/test/e2e/') ? 1 : 2;
		return (await super.sort(files)).sort((one, other) => rank(one) - rank(other));
	}
}

export default defineConfig({
	test: {
		include: ['test/**/*.test.ts'],
		globalSetup: 'test/tools/path.ts',
		disableConsoleIntercept: true,
		// What one test file made can serve the next of the same process: the modules, and archives of releases.
		isolate: false,
		testTimeout: 180_000,
		hookTimeout: 60_000,
		// One more than the processors of the smallest machine: whole upgrades mostly wait.
		maxWorkers: 3,
		maxConcurrency: 3,
		sequence: { sequencer: LongOnesFirst },
	},
});
