import { defineConfig } from 'vitest/config';

export default defineConfig({
	test: {
		include: ['test/node/**/*.test.ts'],
		// A native crash must not take the runner down.
		pool: 'forks',
		maxWorkers: 2,
		// The package as users have it: loaded by Node, not transformed.
		server: { deps: { external: [/\/dist\//] } },
		// No test is judged by time: this only ends one that hangs.
		testTimeout: 120_000,
		hookTimeout: 120_000,
		typecheck: { include: ['test/types/**/*.test-d.ts'] },
	},
});
