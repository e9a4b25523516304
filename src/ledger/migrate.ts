/** Brings a database to this version's schema: numbered SQL files, applied in order under a lock by Kysely's migrator. */
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { Kysely, Migrator, PostgresDialect, sql, type Migration, type MigrationResultSet } from 'kysely';
import pg from 'pg';

const FOLDER = new URL('./migrations/', import.meta.url);

/**
 * A change of a table waits for whoever uses it, and everybody who comes later waits behind the change. So it waits no longer than this
 * and lets the others through, each time, before it tries again. Milliseconds.
 */
const LOCK_TIMEOUT_MS = 1_000;
const BREATH_MS = 2_000;
const PATIENCE_MS = 5 * 60_000;
/** https://www.postgresql.org/docs/current/errcodes-appendix.html: lock_not_available */
const LOCK_NOT_AVAILABLE = '55P03';

export interface MigrateOptions {
  /** Where the SQL files are. */
  folder?: URL;
  /** Told each time that somebody's use of a table keeps the migration waiting. */
  onWait?: (cause: string) => void;
}

async function readMigrations(folder: URL): Promise<Record<string, Migration>> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.sql')).sort();
  const migrations = files.map(async (file): Promise<[string, Migration]> => {
    const text = await readFile(new URL(file, folder), 'utf8');
    return [file.replace(/\.sql$/, ''), { up: async (db) => void (await sql.raw(text).execute(db)) }];
  });
  return Object.fromEntries(await Promise.all(migrations));
}

/**
 * Applies what is missing, while an older version goes on at the same ledger; several processes may call it at once. Throws with the
 * name of the migration that failed, when tables are in use without a break for five minutes, and when the database has migrations
 * that this version does not know (an older Headgate was started on a newer ledger).
 * @returns the names of the migrations that this call applied
 */
export async function migrate(url: string, { folder = FOLDER, onWait = () => undefined }: MigrateOptions = {}): Promise<string[]> {
  const pool = new pg.Pool({ connectionString: url, max: 2 });
  // A connection that the server ends fails the query that it carries; the same news as an event would end the process.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => {
    client.on('error', () => undefined);
    // Queries of a connection take their turn, so this one is the first.
    client.query(`set lock_timeout = ${String(LOCK_TIMEOUT_MS)}`).catch(() => undefined);
  });
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  try {
    const migrator = new Migrator({ db, provider: { getMigrations: () => readMigrations(folder) } });
    const givesUpAt = performance.now() + PATIENCE_MS;
    for (;;) {
      const { error, results = [] } = await migrator.migrateToLatest();
      if (error === undefined) return results.map((result) => result.migrationName);
      const failure = describe(error, results);
      if ((error as { code?: string }).code !== LOCK_NOT_AVAILABLE || performance.now() > givesUpAt) throw failure;
      onWait(failure.message);
      await wait(BREATH_MS);
    }
  } finally {
    await db.destroy();
  }
}

function describe(error: unknown, results: NonNullable<MigrationResultSet['results']>): Error {
  const failed = results.find((result) => result.status === 'Error');
  const where = failed ? `migration ${failed.migrationName} failed` : 'the ledger cannot be migrated';
  return new Error(`${where}: ${error instanceof Error ? error.message : JSON.stringify(error)}`, { cause: error });
}
