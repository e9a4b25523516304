/** The dataset, the table and the view: made when they are not there, widened when this version has columns that they lack. */
import { z } from 'zod';
import { fine, look, problem, warning } from '../../destinations/checking.ts';
import type { Finding } from '../../destinations/destination.ts';
import { notUnderstood } from '../../destinations/http-call.ts';
import { PlatformFailure } from '../../domain/failures.ts';
import { callBigQuery, findInBigQuery, refused, type BigQueryCall, type BigQueryClientOptions } from './client.ts';
import { datasetResource, TABLE_FIELDS, tableResource, typeName, VIEW_MARK, viewQuery, viewResource } from './schema.ts';

const field = z.looseObject({ name: z.string(), type: z.string(), mode: z.string().optional() });
const tableAnswer = z.object({
  etag: z.string().default(''),
  schema: z.object({ fields: z.array(field).default([]) }).default({ fields: [] }),
  view: z.object({ query: z.string() }).optional(),
});
type Table = z.infer<typeof tableAnswer>;

/** Several processes may do this at once: what another one has made meanwhile counts as made. Returns what it changed, in words. */
export async function setUp(options: BigQueryClientOptions, begun: boolean, signal: AbortSignal): Promise<string[]> {
  const { settings } = options;
  const done: string[] = [];
  const dataset = await findInBigQuery(options, { method: 'GET', path: `datasets/${settings.dataset}`, what: `dataset ${settings.dataset}` }, signal);
  if (!dataset) {
    if (begun) throw gone(options, `dataset ${settings.dataset}`);
    await make(options, 'datasets', `dataset ${settings.dataset}`, datasetResource(settings), signal);
    done.push(`made dataset ${settings.dataset} in ${settings.location}`);
  }
  const found = await readTable(options, settings.table, signal);
  if (!found && begun) throw gone(options, `table ${settings.dataset}.${settings.table}`);
  if (!found) {
    await make(options, `datasets/${settings.dataset}/tables`, `table ${settings.table}`, tableResource(settings), signal);
    done.push(`made table ${settings.dataset}.${settings.table}`);
  }
  const columns = await widen(options, found ?? { etag: '', schema: { fields: TABLE_FIELDS.map((one) => ({ ...one })) } }, done, signal);
  await setUpView(options, columns, done, signal);
  return done;
}

async function readTable(options: BigQueryClientOptions, table: string, signal: AbortSignal): Promise<Table | undefined> {
  const answer = await findInBigQuery(options, { method: 'GET', path: `datasets/${options.settings.dataset}/tables/${table}`, what: `table ${table}` }, signal);
  if (!answer) return undefined;
  const parsed = tableAnswer.safeParse(answer.json);
  if (!parsed.success) throw notUnderstood(options.exporter, answer.reply);
  return parsed.data;
}

async function make(options: BigQueryClientOptions, path: string, what: string, resource: object, signal: AbortSignal): Promise<void> {
  const call: BigQueryCall = { method: 'POST', path, what: `a new ${what}`, body: JSON.stringify(resource) };
  const answer = await callBigQuery(options, call, signal);
  if ('error' in answer && answer.error.code !== 409) throw refused(options, call, answer);
}

/** Adds the columns that the table lacks; those that it has besides stay. Returns the names of all. */
async function widen(options: BigQueryClientOptions, table: Table, done: string[], signal: AbortSignal): Promise<string[]> {
  const { settings, exporter } = options;
  const wrong = mismatches(table);
  if (wrong.length > 0) {
    const cause = `table ${settings.dataset}.${settings.table} has columns of another type: ${wrong.join(', ')}`;
    throw new PlatformFailure(`${exporter}: ${cause}.`, { kind: 'misconfigured', cause, cure: 'Name another table in headgate.yaml (`table`), or rename that one.' });
  }
  const missing = lacking(table);
  if (missing.length > 0) {
    // A column that comes later cannot be required.
    const fields = [...table.schema.fields, ...missing.map((one) => ({ ...one, mode: 'NULLABLE' }))];
    const call: BigQueryCall = {
      method: 'PATCH', path: `datasets/${settings.dataset}/tables/${settings.table}`, what: `new columns of table ${settings.table}`,
      // Of another process that adds others at the same time, one is refused and looks again.
      headers: { 'if-match': table.etag }, body: JSON.stringify({ schema: { fields } }),
    };
    const answer = await callBigQuery(options, call, signal);
    if ('error' in answer) throw refused(options, call, answer);
    done.push(`added ${missing.map(({ name }) => name).join(', ')} to table ${settings.table}`);
  }
  return [...table.schema.fields, ...missing].map(({ name }) => name);
}

const lacking = ({ schema }: Table): typeof TABLE_FIELDS => TABLE_FIELDS.filter(({ name }) => !schema.fields.some((one) => one.name.toLowerCase() === name));
const mismatches = ({ schema }: Table): string[] =>
  TABLE_FIELDS.flatMap(({ name, type }) => {
    const found = schema.fields.find((one) => one.name.toLowerCase() === name);
    return found && typeName(found.type) !== type ? [`${name} is ${found.type}, not ${type}`] : [];
  });

async function setUpView(options: BigQueryClientOptions, columns: readonly string[], done: string[], signal: AbortSignal): Promise<void> {
  const { settings } = options;
  const found = await readTable(options, settings.view, signal);
  if (!found) {
    await make(options, `datasets/${settings.dataset}/tables`, `view ${settings.view}`, viewResource(settings, columns), signal);
    done.push(`made view ${settings.dataset}.${settings.view}`);
    return;
  }
  const query = viewQuery(settings, columns);
  if (isTheirs(found) || found.view?.query === query) return;
  const call: BigQueryCall = {
    method: 'PATCH', path: `datasets/${settings.dataset}/tables/${settings.view}`, what: `the columns of view ${settings.view}`,
    headers: { 'if-match': found.etag }, body: JSON.stringify({ view: { query, useLegacySql: false } }),
  };
  const answer = await callBigQuery(options, call, signal);
  if ('error' in answer) throw refused(options, call, answer);
  done.push(`made view ${settings.view} show ${String(columns.length)} columns`);
}

/** Somebody's own view, or a table of that name. */
const isTheirs = ({ view }: Table): boolean => !view?.query.startsWith(VIEW_MARK);

/** Rows were sent there. Made anew, it would lack them in silence; and BigQuery loses rows that are streamed into a table soon after it was made anew. */
function gone({ exporter, settings }: BigQueryClientOptions, what: string): PlatformFailure {
  const cause = `${what} of project ${settings.project} is gone, and rows were sent there`;
  return new PlatformFailure(`${exporter}: ${cause}.`, {
    kind: 'misconfigured', cause,
    cure: `Restore it (BigQuery keeps deleted tables for 7 days), or send everything again: \`headgate export restart ${exporter}\`, ten minutes after the table was deleted at the earliest.`,
  });
}

/** Looks, and changes nothing. */
export async function checkBigQuery(options: BigQueryClientOptions, signal: AbortSignal): Promise<Finding[]> {
  const { settings, credentials } = options;
  const token = await look('credentials', undefined, async () => {
    await credentials.token();
    return [fine('credentials', 'the credentials give an access token')];
  });
  if (token.some(({ level }) => level === 'problem')) return token;
  const where = `${settings.project}.${settings.dataset}`;
  const dataset = await look('dataset', undefined, async () => {
    const found = await findInBigQuery(options, { method: 'GET', path: `datasets/${settings.dataset}`, what: `dataset ${settings.dataset}` }, signal);
    return [found ? fine('dataset', `dataset ${where} is there`) : warning('dataset', `dataset ${where} is not there; the export makes it in ${settings.location}, and needs bigquery.datasets.create on the project for that`)];
  });
  if (dataset.some(({ level }) => level !== 'ok')) return [...token, ...dataset];
  const table = await look('table', undefined, async () => {
    const found = await readTable(options, settings.table, signal);
    if (!found) return [fine('table', `table ${where}.${settings.table} is not there yet; the export makes it`)];
    const wrong = mismatches(found);
    if (wrong.length > 0) return [problem('table', `table ${where}.${settings.table}: ${wrong.join(', ')}. Name another table in headgate.yaml (\`table\`).`)];
    const missing = lacking(found).map(({ name }) => name);
    return [fine('table', `table ${where}.${settings.table} is there${missing.length === 0 ? '' : `; the export adds ${missing.join(', ')}`}`)];
  });
  return [...token, ...dataset, ...table];
}
