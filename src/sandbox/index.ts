/**
 * Local stand-ins for the platforms: as strict as the real ones, with their error shapes and quirks, and faults to switch on.
 * They share no code with src/destinations/, so that a mistake there cannot hide here. Never reachable in production:
 * `sandbox: true` does not load there. Start reading at meta.ts.
 */
import express from 'express';
import type { Server } from 'node:http';
import { actionRoutes, ReceivedForwards } from './actions.ts';
import { bigqueryRoutes, countTables } from './bigquery.ts';
import { BigQueryStore } from './bigquery-store.ts';
import { controlRoutes } from './control.ts';
import { Faults } from './faults.ts';
import { googleRoutes } from './google.ts';
import { metaRoutes } from './meta.ts';
import { snapRoutes } from './snap.ts';
import { SandboxStore, type SandboxDestination } from './store.ts';
import { tiktokRoutes } from './tiktok.ts';

export type { ReceivedForward } from './actions.ts';
export type { SandboxDestination, SandboxState } from './store.ts';

export interface SandboxOptions {
  /** 0 chooses a free one. */
  port: number;
  destinations: readonly SandboxDestination[];
  /** Keeps what the stand-ins were told in this file, across restarts; without it they forget. */
  journal?: string;
}

export interface Sandbox {
  url: string;
  store: SandboxStore;
  faults: Faults;
  /** What actions have sent. */
  forwards: ReceivedForwards;
  /** What the stand-in of a warehouse holds. */
  warehouse: () => Promise<BigQueryStore>;
  close: () => Promise<void>;
}

/** Listens on loopback only. */
export async function startSandbox({ port, destinations, journal }: SandboxOptions): Promise<Sandbox> {
  const store = new SandboxStore(destinations, journal);
  const faults = new Faults();
  const app = express();
  app.disable('x-powered-by');
  const standIn = { store, faults };
  const forwards = new ReceivedForwards();
  app.use(actionRoutes(standIn, forwards));
  app.use(controlRoutes(standIn));
  let opening: Promise<BigQueryStore> | undefined;
  const warehouse = (): Promise<BigQueryStore> => (opening ??= openWarehouse(journal));
  app.get('/_sandbox/warehouse', (_request, response) => {
    void warehouse().then((tables) => response.json({ tables: countTables(tables) }));
  });
  app.use(bigqueryRoutes(standIn, warehouse));
  for (const routes of [metaRoutes, googleRoutes, tiktokRoutes, snapRoutes]) app.use(routes(standIn));
  const server = await new Promise<Server>((resolve, reject) => {
    const listening = app.listen(port, '127.0.0.1', (error?: Error) => {
      if (error) reject(error);
      else resolve(listening);
    });
  });
  const address = server.address();
  const actual = typeof address === 'object' && address !== null ? address.port : port;
  return {
    url: `http://127.0.0.1:${String(actual)}`,
    store,
    faults,
    forwards,
    warehouse,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          store.close();
          void Promise.resolve(opening).then((tables) => tables?.close()).finally(resolve);
        });
        server.closeAllConnections();
      }),
  };
}

/** Beside the journal; without one in a file that SQLite makes and takes away. Node's SQLite is loaded only here: most sandboxes have no warehouse. */
async function openWarehouse(journal: string | undefined): Promise<BigQueryStore> {
  const { DatabaseSync } = await import('node:sqlite');
  return new BigQueryStore(new DatabaseSync(journal === undefined ? '' : `${journal}.warehouse.db`));
}
