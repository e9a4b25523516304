/** The schema as text, read from Postgres' own catalogue: what the migrations really made. */
import pg from 'pg';

const TABLES = `
select c.relname as name, obj_description(c.oid) as comment, array_to_string(c.reloptions, ', ') as options, pg_get_partkeydef(c.oid) as parts
from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition and c.relname not like 'kysely%' order by 1`;
const FUNCTIONS = `
select pg_get_functiondef(p.oid) as definition, obj_description(p.oid) as comment from pg_proc p
where p.pronamespace = 'public'::regnamespace order by p.proname`;
const TRIGGERS = `
select pg_get_triggerdef(t.oid) as definition from pg_trigger t join pg_class c on c.oid = t.tgrelid
where not t.tgisinternal and c.relnamespace = 'public'::regnamespace and not c.relispartition order by c.relname, t.tgname`;
const VIEWS = `
select c.relname as name, pg_get_viewdef(c.oid) as definition, obj_description(c.oid) as comment
from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind = 'v' order by 1`;
const COLUMNS = `
select a.attname as name, format_type(a.atttypid, a.atttypmod) as type, a.attnotnull as required, a.attidentity as identity,
       pg_get_expr(d.adbin, d.adrelid) as value, co.collname as collation, col_description(a.attrelid, a.attnum) as comment
from pg_attribute a
left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
left join pg_collation co on co.oid = a.attcollation and co.collname <> 'default'
where a.attrelid = $1::regclass and a.attnum > 0 and not a.attisdropped order by a.attnum`;
const CONSTRAINTS = "select conname as name, pg_get_constraintdef(oid) as definition from pg_constraint where conrelid = $1::regclass and contype <> 'n' order by 1";
const INDEXES = `
select pg_get_indexdef(i.indexrelid) as definition from pg_index i
where i.indrelid = $1::regclass and not exists (select 1 from pg_constraint c where c.conindid = i.indexrelid) order by 1`;

type Row = Record<string, string | boolean | null>;

/** Reads the schema `public` of a database. */
export async function dumpSchema(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const ask = async (text: string, table?: string): Promise<Row[]> => (await client.query<Row>(text, table === undefined ? [] : [table])).rows;
  try {
    const parts = ['-- The schema that the migrations make; written by `npm run schema`, checked by test/ledger/schema.test.ts.'];
    for (const table of await ask(TABLES)) {
      const name = String(table['name']);
      const columns = (await ask(COLUMNS, name)).map(describeColumn);
      const constraints = (await ask(CONSTRAINTS, name)).map((one) => `  constraint ${String(one['name'])} ${String(one['definition'])}`);
      const indexes = (await ask(INDEXES, name)).map((one) => `${String(one['definition'])};`);
      const options = table['options'] ? ` with (${String(table['options'])})` : '';
      const partition = table['parts'] ? ` partition by ${String(table['parts'])}` : '';
      parts.push([`-- ${String(table['comment'])}`, `create table ${name} (`, [...columns, ...constraints].join(',\n'), `)${partition}${options};`, ...indexes].join('\n'));
    }
    for (const one of await ask(FUNCTIONS)) parts.push(`-- ${String(one['comment'])}\n${String(one['definition']).trim()};`);
    for (const one of await ask(TRIGGERS)) parts.push(`${String(one['definition'])};`);
    for (const view of await ask(VIEWS)) parts.push(`-- ${String(view['comment'])}\ncreate view ${String(view['name'])} as\n${String(view['definition'])}`);
    return `${parts.join('\n\n')}\n`;
  } finally {
    await client.end();
  }
}

function describeColumn(column: Row): string {
  const words = [`  ${String(column['name'])} ${String(column['type'])}`];
  if (column['collation']) words.push(`collate "${String(column['collation'])}"`);
  if (column['required']) words.push('not null');
  if (column['identity']) words.push('generated always as identity');
  else if (column['value']) words.push(`default ${String(column['value'])}`);
  return words.join(' ');
}
