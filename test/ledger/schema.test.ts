import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import pg from 'pg';
import pino from 'pino';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { migrate, openLedger } from '../../src/ledger/index.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { dumpSchema } from '../support/dump-schema.ts';
import { makeEvent, makePolicies, person } from '../support/events.ts';

const MIGRATIONS = new URL('../../src/ledger/migrations/', import.meta.url);

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

/** Today's migrations and one more, as a newer version would bring them. */
async function withOneMore(migration: string): Promise<{ folder: URL; remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-migrations-'));
  await cp(MIGRATIONS, folder, { recursive: true });
  await writeFile(join(folder, '9998-newer.sql'), migration);
  return { folder: pathToFileURL(`${folder}/`), remove: () => rm(folder, { recursive: true }) };
}

test('while a migration waits for a table that is in use, an older version goes on deciding events, and goes on when it is through', async () => {
  const own = await createDatabase();
  const ledger = openLedger({ url: own.url, policies: makePolicies(), logger: pino({ level: 'silent' }) });
  const decide = async (name: string): Promise<string> => {
    const [outcome] = (await ledger.applyEvents([{ kind: 'event', event: makeEvent(person(name)) }])).outcomes;
    return outcome?.kind === 'decided' ? outcome.decision.status : JSON.stringify(outcome);
  };
  const [{ tables } = { tables: [] }] = await own.query<{ tables: string[] }>("select array_agg(relname::text) as tables from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition and relname not like 'kysely%'");
  const newer = await withOneMore(tables.map((table) => `alter table ${table} add column newer integer not null default 0;`).join('\n'));
  const reader = new pg.Client({ connectionString: own.url });
  await reader.connect();
  try {
    expect(await decide('before')).toBe('applied');
    await reader.query('begin');
    await reader.query('select count(*) from events');
    let waits = 0;
    const waited = Promise.withResolvers<undefined>();
    const migrated = migrate(own.url, { folder: newer.folder, onWait: () => void (++waits && waited.resolve(undefined)) });
    await waited.promise;
    expect(await decide('meanwhile')).toBe('applied');
    await reader.query('commit');
    expect(await migrated).toEqual(['9998-newer']);
    expect(waits).toBeGreaterThan(0);
    expect(await decide('after')).toBe('applied');
    const target = { destination: 'meta_main', audienceKey: 'high_intent_cart_7d_v1' };
    expect(await ledger.readBacklog(target)).toMatchObject({ adds: 3 });
  } finally {
    await reader.end();
    await ledger.close();
    await own.drop();
    await newer.remove();
  }
});

test('a migration that fails says which one it is and why', async () => {
  const own = await createDatabase();
  const newer = await withOneMore('alter table no_such_table add column newer integer');
  await expect(migrate(own.url, { folder: newer.folder })).rejects.toThrow('migration 9998-newer failed: relation "no_such_table" does not exist');
  await own.drop();
  await newer.remove();
});

/** What an older version that is still up would stumble over: things that it reads and writes go, are renamed, or want what it does not give. */
const BREAKING = [/\bdrop\s+(table|column|view|function)/i, /\brename\b/i, /\balter\s+column\b/i, /add\s+column\s+(?!.*\bdefault\b).*\bnot\s+null\b/i, /\bcreate\s+or\s+replace\b/i];

/** Each has a test of its own that the older version goes on. */
const KEPT = [
  // The table becomes the first part of a new one of the same name and columns: "an older version's exposures …".
  'exposures rename to exposures_before', 'exposures_before rename constraint', 'alter column source drop not null', 'alter column written_by set default',
];

test("an older version's exposures go into the table by month as before", async () => {
  await database.query(`insert into exposures (event_id, source, name, person_id, customer_id, audience_key, occurred_at, received_at, status,
      campaign_id, campaign_name, journey_id, step_id, message_variant, delivery_id, context, attributes)
    select 'of-an-older-version', 'demo', 'cio.audience_add', 'p_1', 'c_1', 'cart_v1', now(), now(), 'applied', '7', 'Cart', null, null, null, null, '{}', '{}'`);
  expect(await database.query("select campaign_name, outcome, written_by > 0 as written from exposures x where event_id = 'of-an-older-version'")).toEqual([{ campaign_name: 'Cart', outcome: null, written: true }]);
});

test('no migration takes anything away that an older version needs', async () => {
  const [, ...later] = (await readdir(MIGRATIONS)).sort();
  expect(later.length).toBeGreaterThan(0);
  for (const file of later) {
    const statements = (await readFile(new URL(file, MIGRATIONS), 'utf8')).replaceAll(/--.*$/gm, '').split(';');
    for (const statement of statements) for (const breaking of BREAKING) if (!KEPT.some((kept) => statement.includes(kept))) expect(statement, file).not.toMatch(breaking);
  }
  expect('alter table a add column b text not null').toMatch(BREAKING[3]!);
});
