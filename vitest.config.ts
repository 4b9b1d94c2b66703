import { defineConfig } from 'vitest/config';

export default defineConfig({
	test: {
		include: ['test/**/*.test.ts'],
		globalSetup: 'test/tools/path.ts',
		disableConsoleIntercept: true,
		testTimeout: 180_000,
		hookTimeout: 60_000,
		maxWorkers: 2,
		maxConcurrency: 3,
	},
});
