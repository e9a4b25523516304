/** The whole app of the api process on a ledger, without Temporal and workers: for tests of who may do what. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Express } from 'express';
import { AuditLog, createApp, type AppOptions } from '../../src/api/index.ts';
import { createConsole } from '../../src/console/index.ts';
import type { Ledger } from '../../src/ledger/index.ts';
import { consoleOptions } from './console.ts';

export interface TestApp {
  url: string;
  app: Express;
  close: () => Promise<void>;
}

export async function startApp(ledger: Ledger, overrides: Partial<AppOptions> = {}): Promise<TestApp> {
  const shared = { ...consoleOptions(ledger), ...overrides };
  const audit = new AuditLog({ ledger, logger: shared.logger });
  const app = createApp({
    ...shared, audit,
    commit: shared.commit as AppOptions['commit'],
    watchdog: shared.watchdog as AppOptions['watchdog'],
    count: () => undefined,
    erasing: { start: () => Promise.resolve(), progress: () => Promise.resolve('') },
    testAlerts: () => Promise.resolve([{ owner: 'Tests', channel: 'slack', problem: null }]),
    console: createConsole({ ...shared, audit }),
    isDraining: () => false,
  });
  return { app, ...(await serve(app)) };
}

export async function serve(app: Express): Promise<{ url: string; close: () => Promise<void> }> {
  const server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    close: () => new Promise((resolve) => {
      server.closeAllConnections();
      server.close(() => { resolve(); });
    }),
  };
}
