/**
 * What the stand-in of BigQuery holds: datasets, tables and views, in SQLite, so that a million rows need no memory and queries are
 * carried out, not imitated. Only what SQLite and GoogleSQL have in common can be asked.
 */
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import type { Cell, Field } from './bigquery-rows.ts';

export interface TableResource {
  tableReference: { projectId: string; datasetId: string; tableId: string };
  schema?: { fields: Field[] };
  view?: { query: string; useLegacySql?: boolean };
  timePartitioning?: { type: string; field?: string };
  clustering?: { fields: string[] };
  [setting: string]: unknown;
}

export interface StoredTable {
  resource: TableResource;
  etag: string;
  /** Fields that insertAll knows nothing of yet, with the moment from which it does (milliseconds since the epoch). */
  knownFrom: Record<string, number>;
  /** When insertAll knows the table. */
  readyAt: number;
}

export interface QueryAnswer {
  fields: { name: string; type: string }[];
  rows: (string | null)[][];
  /** Rows that a DELETE or UPDATE has changed. */
  affected: number;
}

/** BigQuery's types under names that make SQLite keep text as text. */
const SQL_TYPES: Readonly<Record<string, string>> = { STRING: 'TEXT_STRING', TIMESTAMP: 'TEXT_TIMESTAMP', JSON: 'TEXT_JSON', BOOLEAN: 'INT_BOOLEAN', INTEGER: 'INT_INTEGER' };
export const isKnownType = (type: string): boolean => type in SQL_TYPES;

/** `SELECT … FROM … WHERE TRUE QUALIFY ROW_NUMBER() OVER (…) = 1`, which SQLite has no word for. */
const QUALIFIED = /^SELECT (?<columns>.+?)\s+FROM (?<from>`[^`]+`)\s+(?:WHERE TRUE\s+)?QUALIFY (?<rank>ROW_NUMBER\(\) OVER \(.+\)) = 1$/is;

const quoted = (name: string): string => `\`${name.replaceAll('`', '')}\``;
const withoutComments = (sql: string): string => sql.replaceAll(/^\s*--.*$/gm, '').trim().replace(/;$/, '');

/** What SQLite understands of GoogleSQL, after this. */
function translate(sql: string): string {
  const { columns, from, rank } = QUALIFIED.exec(sql)?.groups ?? {};
  if (columns !== undefined && from !== undefined && rank !== undefined) return `SELECT ${columns} FROM (SELECT *, ${rank} AS _rank FROM ${from}) WHERE _rank = 1`;
  return sql.replaceAll(/\bIN\s+UNNEST\s*\(\s*(@\w+)\s*\)/gi, 'IN (SELECT value FROM json_each($1))');
}

/** Thrown with SQLite's or our own words: the query is wrong. */
export class WrongQuery extends Error {}

export class BigQueryStore {
  readonly #db: DatabaseSync;
  #etags = 0;

  constructor(db: DatabaseSync) {
    this.#db = db;
    db.exec('pragma journal_mode = wal; pragma synchronous = off; create table if not exists _datasets (name text primary key, resource text) strict; create table if not exists _tables (name text primary key, kept text) strict');
  }

  dataset(name: string): Record<string, unknown> | undefined {
    const row = this.#db.prepare('select resource from _datasets where name = ?').get(name);
    return row && (JSON.parse(String(row['resource'])) as Record<string, unknown>);
  }

  makeDataset(name: string, resource: object): void {
    this.#db.prepare('insert into _datasets values (?, ?)').run(name, JSON.stringify(resource));
  }

  table(name: string): StoredTable | undefined {
    const row = this.#db.prepare('select kept from _tables where name = ?').get(name);
    return row && (JSON.parse(String(row['kept'])) as StoredTable);
  }

  get tables(): string[] {
    return this.#db.prepare('select name from _tables order by name').all().map((row) => String(row['name']));
  }

  /** @param lagMs how long insertAll knows nothing of it */
  makeTable(name: string, resource: TableResource, lagMs: number): StoredTable {
    const stored: StoredTable = { resource, etag: this.#etag(), knownFrom: {}, readyAt: Date.now() + lagMs };
    if (resource.view) this.#makeView(name, resource.view.query);
    else {
      const columns = (resource.schema?.fields ?? []).map(({ name: column, type }) => `, ${quoted(column)} ${SQL_TYPES[type] ?? ''}`);
      this.#db.exec(`create table ${quoted(name)} (_row integer primary key, _inserted_at integer${columns.join('')})`);
      if (resource.schema?.fields.some(({ name: column }) => column === 'event_id')) this.#db.exec(`create index ${quoted(`${name}/event_id`)} on ${quoted(name)} (event_id)`);
    }
    this.#keep(name, stored);
    return stored;
  }

  addFields(name: string, stored: StoredTable, fields: Field[], lagMs: number): StoredTable {
    const known = new Set(stored.resource.schema?.fields.map((field) => field.name));
    const added = fields.filter((field) => !known.has(field.name));
    for (const { name: column, type } of added) this.#db.exec(`alter table ${quoted(name)} add column ${quoted(column)} ${SQL_TYPES[type] ?? ''}`);
    const knownFrom = { ...stored.knownFrom, ...Object.fromEntries(added.map((field) => [field.name, Date.now() + lagMs])) };
    return this.#keep(name, { ...stored, resource: { ...stored.resource, schema: { fields } }, knownFrom, etag: this.#etag() });
  }

  replaceView(name: string, stored: StoredTable, view: NonNullable<TableResource['view']>): StoredTable {
    this.#db.exec(`drop view ${quoted(name)}`);
    this.#makeView(name, view.query);
    return this.#keep(name, { ...stored, resource: { ...stored.resource, view }, etag: this.#etag() });
  }

  dropTable(name: string): void {
    this.#db.exec(`drop ${this.table(name)?.resource.view ? 'view' : 'table'} ${quoted(name)}`);
    this.#db.prepare('delete from _tables where name = ?').run(name);
  }

  insert(name: string, fields: readonly Field[], rows: readonly Cell[][]): void {
    const columns = ['_inserted_at', ...fields.map((field) => quoted(field.name))];
    const statement = this.#db.prepare(`insert into ${quoted(name)} (${columns.join(', ')}) values (${columns.map(() => '?').join(', ')})`);
    this.#db.exec('begin');
    for (const cells of rows) statement.run(Date.now(), ...cells);
    this.#db.exec('commit');
  }

  /** Rows and distinct event ids. */
  count(name: string): { rows: number; events: number } {
    const row = this.#db.prepare(`select count(*) as n, count(distinct event_id) as events from ${quoted(name)}`).get();
    return { rows: Number(row?.['n']), events: Number(row?.['events']) };
  }

  /**
   * Carries out one SELECT, DELETE or UPDATE. Throws WrongQuery.
   * @param bufferMs how long streamed rows can be neither deleted nor changed
   */
  query(given: string, parameters: Record<string, string>, bufferMs: number): QueryAnswer {
    const sql = translate(withoutComments(given));
    const [verb = ''] = /^\w+/.exec(sql) ?? [];
    if (!/^(select|with|delete|update)$/i.test(verb)) throw new WrongQuery(`the stand-in carries out SELECT, DELETE and UPDATE only, not ${verb}`);
    const bound = Object.fromEntries(Object.entries(parameters).map(([name, value]) => [`@${name}`, value]));
    try {
      if (/^(delete|update)$/i.test(verb)) return this.#change(sql, bound, bufferMs);
      const statement = this.#db.prepare(sql);
      const columns = statement.columns().filter(({ name }) => !name.startsWith('_'));
      const rows = statement.all(bound);
      const fields = columns.map(({ name, type }) => ({ name, type: /^(?:TEXT|INT)_(\w+)$/.exec(type ?? '')?.[1] ?? (typeof rows[0]?.[name] === 'number' ? 'INTEGER' : 'STRING') }));
      return { fields, rows: rows.map((row) => fields.map(({ name, type }) => asText(row[name], type))), affected: 0 };
    } catch (error) {
      throw error instanceof WrongQuery ? error : new WrongQuery((error as Error).message);
    }
  }

  reset(): void {
    for (const name of this.tables.filter((one) => this.table(one)?.resource.view)) this.dropTable(name);
    for (const name of this.tables) this.dropTable(name);
    this.#db.exec('delete from _datasets');
  }

  close(): void {
    this.#db.close();
  }

  #change(sql: string, bound: Record<string, string>, bufferMs: number): QueryAnswer {
    const [, table, where] = /^(?:delete\s+from|update)\s+(`[^`]+`)[\s\S]*?\b(where\b[\s\S]+)$/i.exec(sql) ?? [];
    if (table === undefined || where === undefined) throw new WrongQuery('DML needs a table in backticks and a WHERE');
    const fresh = this.#db.prepare(`select 1 from ${table} ${where.replace(/^where\s+/i, 'where (')}) and _inserted_at > ${String(Date.now() - bufferMs)} limit 1`).get(bound);
    if (fresh) throw new WrongQuery(`UPDATE or DELETE statement over table ${table.replaceAll('`', '')} would affect rows in the streaming buffer, which is not supported`);
    const { changes } = this.#db.prepare(sql).run(bound);
    return { fields: [], rows: [], affected: Number(changes) };
  }

  #makeView(name: string, query: string): void {
    try {
      this.#db.exec(`create view ${quoted(name)} as ${translate(withoutComments(query))}`);
      this.#db.prepare(`select * from ${quoted(name)} limit 0`);
    } catch (error) {
      throw new WrongQuery((error as Error).message);
    }
  }

  #keep(name: string, stored: StoredTable): StoredTable {
    this.#db.prepare('insert into _tables values (?, ?) on conflict do update set kept = excluded.kept').run(name, JSON.stringify(stored));
    return stored;
  }

  #etag(): string {
    return `"${String(Date.now())}-${String(++this.#etags)}"`;
  }
}

/** As BigQuery answers: everything is text, times are seconds since the epoch. */
function asText(value: SQLOutputValue | undefined, type: string): string | null {
  if (value === null || value === undefined) return null;
  const text = typeof value === 'object' ? Buffer.from(value).toString('base64') : String(value);
  if (type === 'TIMESTAMP') return (Date.parse(text) / 1_000).toExponential().replace('e+', 'E');
  return type === 'BOOLEAN' ? String(value === 1) : text;
}
