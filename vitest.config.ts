import { defineConfig } from 'vitest/config';

/** Pure tests; no server of any kind. */
const UNIT = ['test/{domain,api,config,destinations,workflows,cli,project}/**/*.test.ts'];
/** Tests against a real Postgres, a real Temporal server and the sandbox over HTTP. */
const SYSTEM = ['test/{ledger,relay,embedded,sandbox,service,start}/**/*.test.ts'];

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', sequence: { groupOrder: 1 }, include: UNIT } },
      {
        test: {
          name: 'system', sequence: { groupOrder: 2 },
          include: SYSTEM,
          globalSetup: ['test/support/global-setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          maxWorkers: 2,
        },
      },
    ],
  },
});
