import { defineConfig } from 'vitest/config';

/** For `npm run record:histories` alone; the project's own tests are in the other vitest.config.ts. */
export default defineConfig({
  test: { name: 'record', include: ['test/replay/record/*.record.ts'], globalSetup: ['test/support/global-setup.ts'], testTimeout: 300_000, hookTimeout: 120_000, retry: 1, reporters: ['verbose'] },
});
