/** One of the systems that are measured. Each has a Postgres of its own, with Headgate's tables. */
import { mkdir } from 'node:fs/promises';
import { startPostgres } from '../../src/embedded/index.ts';
import { migrate } from '../../src/ledger/index.ts';
import type { Lifecycle } from '../../src/lifecycle.ts';
import type { LoadTarget } from '../../test/bench/load.ts';

export interface Contender {
  name: string;
  /** How it decides, for the table. */
  how: string;
  start: (place: Place) => Promise<Running>;
}

/** What a contender is given: its ledger, a folder, and who stops what it starts. */
export interface Place {
  databaseUrl: string;
  folder: string;
  life: Lifecycle;
}

export interface Running {
  url: string;
  /** Default: the door's webhooks. */
  target?: LoadTarget;
}

/** Everything in production mode; the engines log nothing but mistakes. */
export const PRODUCTION = { NODE_ENV: 'production' };

export async function makePlace(folder: string, life: Lifecycle): Promise<Place> {
  await mkdir(folder, { mode: 0o755 });
  const postgres = await startPostgres(folder);
  life.started(`Postgres in ${folder}`, () => postgres.stop());
  await migrate(postgres.url);
  return { databaseUrl: postgres.url, folder, life };
}

export const versionOf = (manifest: { dependencies: Record<string, string> }, name: string): string => manifest.dependencies[name] ?? 'unknown';
