import { defineConfig } from 'vitest/config';

export default defineConfig({
	test: {
		include: ['test/**/*.test.ts'],
		globalSetup: 'test/tools/path.ts',
		disableConsoleIntercept: true,
		testTimeout: 180_000,
		hookTimeout: 60_000,
		// One more than the processors of the smallest machine: whole upgrades mostly wait.
		maxWorkers: 3,
		maxConcurrency: 3,
	},
});
