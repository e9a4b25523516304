/** A database of its own for each test file, cloned from the migrated template. */
import pg from 'pg';
import { inject } from 'vitest';

/** `headgate` is the template's name: nobody connects to it but the clone. */
const TEMPLATE = 'headgate';

export interface TestDatabase {
  url: string;
  /** Asks the database directly. */
  query: <Row extends pg.QueryResultRow>(text: string, values?: unknown[]) => Promise<Row[]>;
  drop: () => Promise<void>;
}

export async function createDatabase(): Promise<TestDatabase> {
  const template = new URL(inject('postgresUrl'));
  const admin = new pg.Client({ connectionString: Object.assign(new URL(template), { pathname: '/postgres' }).href });
  await admin.connect();
  const name = `test_${crypto.randomUUID().replaceAll('-', '')}`;
  // Two clones at once are refused; the lock makes them take turns.
  await admin.query('select pg_advisory_lock(1)');
  await admin.query(`create database ${name} template ${TEMPLATE}`);
  await admin.query('select pg_advisory_unlock(1)');
  const url = Object.assign(new URL(template), { pathname: `/${name}` }).href;
  const pool = new pg.Pool({ connectionString: url, max: 4 });
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  return {
    url,
    query: async <Row extends pg.QueryResultRow>(text: string, values?: unknown[]) => (await pool.query<Row>(text, values)).rows,
    drop: async () => {
      await pool.end();
      await admin.query(`drop database ${name} with (force)`);
      await admin.end();
    },
  };
}
