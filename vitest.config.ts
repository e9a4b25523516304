import { defineConfig } from 'vitest/config';

/** Pure tests; no server of any kind. */
const UNIT = ['examples/*/workflows/**/*.test.ts', 'test/{domain,api,actions,console,config,destinations,warehouse,conformance,workflows,workflow-types,cli,codec-server,encryption,project,replay,release}/**/*.test.ts'];
/** Tests of one's own workflow types, and tests against a real Postgres, a real Temporal server and the sandbox over HTTP. */
const SYSTEM = ['workflows/**/*.test.ts', 'examples/*/*.test.ts', 'test/{ledger,activities,relay,embedded,testing,sandbox,service,start}/**/*.test.ts', 'test/console/**/*.{http,browser}.test.ts'];
/** Whole fleets of processes on servers of their own, which they kill; alone, because they fill the machine. */
const CHAOS = ['test/chaos/**/*.test.ts'];

/**
 * A machine that stands still for a while is no mistake of ours: a test that fails is tried once more, and the report says so. What a property test or the
 * chaos run finds stands, see test/support/property.ts. A project takes nothing from the options around it, so each has it.
 */
const retry = 1;

export default defineConfig({
  test: {
    projects: [
      // google-auth-library asks Google for the project of a workload identity, unless it is told.
      { test: { name: 'unit', retry, env: { GOOGLE_CLOUD_PROJECT: 'tests' }, sequence: { groupOrder: 1 }, include: UNIT, exclude: SYSTEM, testTimeout: 60_000 } },
      {
        test: {
          name: 'system', retry, sequence: { groupOrder: 2 },
          include: SYSTEM,
          globalSetup: ['test/support/global-setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          maxWorkers: 2,
        },
      },
      { test: { name: 'chaos', retry, sequence: { groupOrder: 3 }, include: CHAOS, testTimeout: 120_000, hookTimeout: 120_000, maxWorkers: 1, maxConcurrency: 3 } },
    ],
  },
});
