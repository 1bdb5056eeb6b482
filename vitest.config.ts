import { defineConfig } from 'vitest/config';

// Five tiers: unit (pure, no process, no socket), integration (real workerd, real sockets, fixture programs),
// e2e (the built hub, the reporter and a real llama-server), browser (the same, looked at in a real Chromium), fault (the
// same with something broken; for minutes instead of seconds with FAULTS=long). None retries; a missing engine or a
// missing browser fails.
export default defineConfig({
  test: {
    // They wait more than they work, and one core less than there are would be one of two.
    maxWorkers: '100%',
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'] } },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          testTimeout: 30_000,
          hookTimeout: 60_000,
          globalSetup: ['test/support/built-dashboard.ts'],
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          testTimeout: 90_000,
          // Their deadlines are claims about latency: nothing else may run beside them.
          fileParallelism: false,
          // The first one installs the engine where none is.
          hookTimeout: 300_000,
          globalSetup: ['test/support/e2e-setup.ts'],
        },
      },
      {
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          testTimeout: 90_000,
          // How soon a page shows what happened is one of their claims.
          fileParallelism: false,
          hookTimeout: 300_000,
          globalSetup: ['test/support/e2e-setup.ts'],
        },
      },
      {
        test: {
          name: 'fault',
          include: ['test/fault/**/*.test.ts'],
          testTimeout: process.env['FAULTS'] === 'long' ? 600_000 : 60_000,
          fileParallelism: false,
          hookTimeout: 300_000,
          globalSetup: ['test/support/e2e-setup.ts'],
        },
      },
    ],
  },
});
