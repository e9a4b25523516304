import { readFile } from 'node:fs/promises';
import pg from 'pg';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { migrate } from '../../src/ledger/index.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { dumpSchema } from '../support/dump-schema.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());

test('src/ledger/schema.sql is what the migrations make (npm run schema writes it anew)', async () => {
  const written = await readFile(new URL('../../src/ledger/schema.sql', import.meta.url), 'utf8');
  expect(await dumpSchema(database.url)).toBe(written);
});

test('processes that start at once on an empty database migrate it once', async () => {
  const admin = new pg.Client({ connectionString: Object.assign(new URL(inject('postgresUrl')), { pathname: '/postgres' }).href });
  await admin.connect();
  const name = `empty_${String(Date.now())}`;
  await admin.query(`create database ${name}`);
  const url = Object.assign(new URL(inject('postgresUrl')), { pathname: `/${name}` }).href;
  const applied = await Promise.all([migrate(url), migrate(url), migrate(url)]);
  expect(applied.filter((names) => names.length > 0)).toHaveLength(1);
  expect(await migrate(url)).toEqual([]);
  await admin.query(`drop database ${name} with (force)`);
  await admin.end();
});

test('a ledger that a newer version has migrated is refused in a sentence', async () => {
  await database.query("insert into kysely_migration (name, timestamp) values ('9999-from-the-future', now()::text)");
  await expect(migrate(database.url)).rejects.toThrow(/9999-from-the-future/);
});
