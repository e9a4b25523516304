import { defineConfig } from 'vitest/config';

/** Pure tests; no server of any kind. */
const UNIT = ['test/{domain,api,config,destinations,conformance,workflows,cli,project}/**/*.test.ts'];
/** Tests against a real Postgres, a real Temporal server and the sandbox over HTTP. */
const SYSTEM = ['test/{ledger,relay,embedded,sandbox,service,start}/**/*.test.ts'];

export default defineConfig({
  test: {
    projects: [
      // google-auth-library asks Google for the project of a workload identity, unless it is told.
      { test: { name: 'unit', env: { GOOGLE_CLOUD_PROJECT: 'tests' }, sequence: { groupOrder: 1 }, include: UNIT } },
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
