/** The schema that the migrations make, on a Postgres of its own. */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgres } from '../../src/embedded/index.ts';
import { migrate } from '../../src/ledger/index.ts';
import { dumpSchema } from './dump-schema.ts';

/** As src/ledger/schema.sql has it. */
export async function makeSchema(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-schema-'));
  // Postgres runs as somebody else when this runs as root.
  await chmod(folder, 0o755);
  const postgres = await startPostgres(folder);
  try {
    await migrate(postgres.url);
    return await dumpSchema(postgres.url);
  } finally {
    await postgres.stop();
    await rm(folder, { recursive: true, force: true });
  }
}
