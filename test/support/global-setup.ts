/** Once per run: one Postgres with a migrated template database, and the Temporal binary (built here on a fresh machine). */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { findTemporalBinary, startPostgres } from '../../src/embedded/index.ts';
import { migrate } from '../../src/ledger/index.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Connection string of the template's server, database `postgres`. */
    postgresUrl: string;
    temporalBinary: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const say = (line: string): void => {
    process.stdout.write(`${line}\n`);
  };
  const binary = await findTemporalBinary({ environment: process.env, say });
  const folder = await mkdtemp(join(tmpdir(), 'headgate-test-'));
  // Postgres runs as somebody else when the tests run as root.
  const { chmod } = await import('node:fs/promises');
  await chmod(folder, 0o755);
  const postgres = await startPostgres(folder);
  await migrate(postgres.url);
  project.provide('postgresUrl', postgres.url);
  project.provide('temporalBinary', binary.path);
  return async () => {
    await postgres.stop();
    await rm(folder, { recursive: true, force: true });
  };
}
