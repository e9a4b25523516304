/**
 * BigQuery, as far as an exporter and its reader go: datasets, tables and views, tabledata.insertAll with its quirks, tabledata.list, jobs.query,
 * and a token endpoint. https://www.googleapis.com/discovery/v1/apis/bigquery/v2/rest and the project's facts (2026-11)
 */
import { Router, text, urlencoded, type Request, type RequestHandler, type Response } from 'express';
import { answerCall, bearerOf, destinationIn, queryOf, send, troubleOfReading, type BrokenReplies, type MemberCall, type Reply, type StandIn } from './answer-call.ts';
import { isWrong, type Fault } from './faults.ts';
import { invalid, readRow, type Cell, type Field, type RowError } from './bigquery-rows.ts';
import { isKnownType, WrongQuery, type BigQueryStore, type QueryAnswer, type StoredTable, type TableResource } from './bigquery-store.ts';
import type { SandboxDestination } from './store.ts';

const PLATFORM = 'bigquery';
/** https://docs.cloud.google.com/bigquery/quotas: 10 MB a request (unconfirmed in its exact bytes). */
const MOST_BYTES = 10_000_000;
const MOST_ROWS = 50_000;
const LONGEST_INSERT_ID = 128;
/** How long a second row with the same insertId is left out; how long streamed rows cannot be changed; how long a new table or column is unknown. Milliseconds. */
const DEDUPE_MS = 60_000;
const BUFFER_MS = 30 * 60_000;
const LAG_MS = 300;
const RETRY_AFTER_S = 5;

interface InsertRequest {
  rows?: { insertId?: unknown; json?: unknown }[];
  skipInvalidRows?: boolean;
  ignoreUnknownValues?: boolean;
}
interface QueryRequest {
  query?: string;
  useLegacySql?: boolean;
  queryParameters?: { name?: string; parameterValue?: { value?: string; arrayValues?: { value?: string }[] } }[];
}

function refusal(code: number, reason: string, message: string, headers: Record<string, string> = {}): Reply {
  const status = { 400: 'INVALID_ARGUMENT', 401: 'UNAUTHENTICATED', 403: 'PERMISSION_DENIED', 404: 'NOT_FOUND', 409: 'ALREADY_EXISTS', 412: 'FAILED_PRECONDITION' }[code] ?? 'UNAVAILABLE';
  return { status: code, body: { error: { code, message, errors: [{ message, domain: 'global', reason }], status } }, headers };
}

const UNAUTHENTICATED = refusal(401, 'authError', 'Request had invalid authentication credentials.');
const notFound = (what: string, name: string): Reply => refusal(404, 'notFound', `Not found: ${what} ${name}`);

const broken: BrokenReplies = {
  http_500: () => refusal(503, 'backendError', 'Error encountered during execution. Retrying may solve the problem.'),
  rate_limit: (_call, ms) => refusal(403, 'rateLimitExceeded', 'Exceeded rate limits: too many requests for this project.', { 'retry-after': String(ms > 0 ? ms / 1_000 : RETRY_AFTER_S) }),
  used_up: () => refusal(403, 'quotaExceeded', 'Quota exceeded: Your project exceeded quota for streaming bytes.'),
  needs_person: () => refusal(403, 'accessDenied', 'Access Denied: BigQuery BigQuery: Streaming insert is not allowed in the free tier'),
  misconfigured: ({ audience }) => notFound('Table', audience),
  unauthorised: () => UNAUTHENTICATED,
  no_permission: ({ audience }) => refusal(403, 'accessDenied', `Access Denied: Table ${audience}: Permission bigquery.tables.updateData denied on table ${audience} (or it may not exist).`),
};

/** @param open the store; opened with the first call, so that a sandbox without a warehouse needs none */
export function bigqueryRoutes(standIn: StandIn, open: () => Promise<BigQueryStore>): Router {
  const { store } = standIn;
  const router = Router();
  const readBody = text({ limit: '64mb', type: () => true });
  const insertAll = new InsertAll(standIn);
  let resets = store.resets;
  const opened = async (): Promise<BigQueryStore> => {
    const tables = await open();
    if (resets !== store.resets) {
      resets = store.resets;
      insertAll.forget();
      tables.reset();
    }
    return tables;
  };
  type Answer = (destination: SandboxDestination, request: Request, tables: BigQueryStore, response: Response) => Reply | Promise<void>;
  const ours = (answer: Answer): RequestHandler => async (request, response, next) => {
    const destination = destinationIn(request, store, PLATFORM);
    if (!destination) next();
    else if (!store.isIssued(destination.name, bearerOf(request))) send(response, UNAUTHENTICATED);
    else if (request.params['project'] !== destination.settings['project']) send(response, notFound('Project', String(request.params['project'])));
    else {
      const reply = await answer(destination, request, await opened(), response);
      if (reply) send(response, reply);
    }
  };
  const reading = (answer: (destination: SandboxDestination, request: Request, tables: BigQueryStore) => Reply): RequestHandler =>
    ours((destination, request, tables) => troubleOfReading(standIn, destination, broken) ?? answer(destination, request, tables));

  const project = '/:destination/bigquery/v2/projects/:project';
  const dataset = `${project}/datasets/:dataset`;
  const table = `${dataset}/tables/:table`;
  router.post('/:destination/token', urlencoded({ extended: false }), (request, response, next) => {
    const destination = destinationIn(request, store, PLATFORM);
    if (!destination) next();
    else send(response, giveToken(standIn, destination.name, request.body as Record<string, unknown>));
  });
  router.post(`${project}/datasets`, readBody, reading((_destination, request, tables) => makeDataset(tables, request)));
  router.get(dataset, reading((_destination, request, tables) => {
    const found = tables.dataset(nameOf(request));
    return found ? { status: 200, body: found } : notFound('Dataset', nameOf(request).replace('.', ':'));
  }));
  router.post(`${dataset}/tables`, readBody, reading((destination, request, tables) => makeTable(tables, request, store.limitsOf(destination.name).lagMs ?? LAG_MS)));
  router.get(table, reading((_destination, request, tables) => {
    const found = tables.table(nameOf(request));
    return found ? described(found) : notFound('Table', nameOf(request));
  }));
  router.patch(table, readBody, reading((destination, request, tables) => patchTable(tables, request, store.limitsOf(destination.name).lagMs ?? LAG_MS)));
  router.delete(table, reading((_destination, request, tables) => dropTable(tables, nameOf(request))));
  router.get(`${table}/data`, reading((_destination, request, tables) => listRows(tables, request)));
  router.post(`${project}/queries`, readBody, reading((destination, request, tables) => runQuery(tables, bodyOf(request), store.limitsOf(destination.name).bufferMs ?? BUFFER_MS)));
  router.post(`${table}/insertAll`, readBody, ours((destination, request, tables, response) => {
    const body = bodyOf(request) as InsertRequest | undefined;
    const call: MemberCall = { destination, audience: nameOf(request), action: 'add', rows: body?.rows?.length ?? 0 };
    const replies: BrokenReplies = { ...broken, unauthorised: () => (store.revokeTokens(destination.name), UNAUTHENTICATED) };
    return answerCall(standIn, response, call, replies, (fault) => insertAll.answer(tables, destination, call.audience, Buffer.byteLength(request.body as string), body, fault));
  }));
  return router;
}

/** tabledata.insertAll. */
class InsertAll {
  /** insertId to when it was last seen, by table; one that was made anew has seen nothing. */
  readonly #seen = new Map<string, Map<string, number>>();
  readonly #limits: StandIn['store'];

  constructor({ store }: StandIn) {
    this.#limits = store;
  }

  forget(): void {
    this.#seen.clear();
  }

  answer(tables: BigQueryStore, destination: SandboxDestination, name: string, bytes: number, body: InsertRequest | undefined, fault: Fault | undefined): Reply {
    const found = tables.table(name);
    if (!found || found.readyAt > Date.now()) return notFound('Table', name);
    if (found.resource.view) return refusal(400, 'invalid', `Cannot add rows to a table of type VIEW: ${name}`);
    if (bytes > MOST_BYTES) return refusal(413, 'uploadTooLarge', `Request payload size exceeds the limit: ${String(MOST_BYTES)} bytes.`);
    const rows = body?.rows;
    if (!rows) return refusal(400, 'parseError', 'Parse Error');
    if (rows.length === 0) return refusal(400, 'invalid', 'No rows present in the request.');
    const mostRows = this.#limits.limitsOf(destination.name).rowsPerCall ?? MOST_ROWS;
    if (rows.length > mostRows) return refusal(400, 'invalid', `too many rows present in the request, limit: ${String(mostRows)} row count: ${String(rows.length)}.`);
    if (rows.some(({ insertId }) => typeof insertId === 'string' && insertId.length > LONGEST_INSERT_ID)) return refusal(400, 'invalid', `insertId is longer than ${String(LONGEST_INSERT_ID)} characters.`);
    if (rows.some((row) => isWrong(fault, 'unnamed_invalid', row))) return refusal(400, 'invalid', 'Invalid value in the request.');
    return this.#store(tables, found, name, body, rows, fault, this.#limits.limitsOf(destination.name).dedupeMs ?? DEDUPE_MS);
  }

  /** HTTP 200, whatever became of the rows. */
  #store(tables: BigQueryStore, found: StoredTable, name: string, body: InsertRequest, rows: NonNullable<InsertRequest['rows']>, fault: Fault | undefined, dedupeMs: number): Reply {
    const fields = (found.resource.schema?.fields ?? []).filter((field) => (found.knownFrom[field.name] ?? 0) <= Date.now());
    const good: { insertId: unknown; cells: Cell[] }[] = [];
    const insertErrors: { index: number; errors: RowError[] }[] = [];
    for (const [index, row] of rows.entries()) {
      const read = isWrong(fault, 'named_invalid', row) ? { errors: [invalid('event_id', 'Could not convert value to string.')] } : readRow(row.json, fields, { ignoreUnknown: body.ignoreUnknownValues ?? false, partitionField: found.resource.timePartitioning?.field });
      if ('errors' in read) insertErrors.push({ index, errors: read.errors });
      else good.push({ insertId: row.insertId, cells: read.cells });
    }
    if (insertErrors.length > 0 && !body.skipInvalidRows) {
      const wrong = new Set(insertErrors.map(({ index }) => index));
      for (const index of rows.keys()) if (!wrong.has(index)) insertErrors.push({ index, errors: [{ reason: 'stopped', location: '', debugInfo: '', message: '' }] });
    } else tables.insert(name, fields, this.#withoutSeen(`${name}@${String(found.readyAt)}`, good, dedupeMs));
    return { status: 200, body: { kind: 'bigquery#tableDataInsertAllResponse', ...(insertErrors.length > 0 ? { insertErrors } : {}) } };
  }

  #withoutSeen(name: string, rows: readonly { insertId: unknown; cells: Cell[] }[], dedupeMs: number): Cell[][] {
    const now = Date.now();
    const ids = this.#seen.get(name) ?? new Map<string, number>();
    this.#seen.set(name, ids);
    // Oldest first, because a Map keeps its order.
    for (const [id, at] of ids) {
      if (at > now - dedupeMs) break;
      ids.delete(id);
    }
    return rows.flatMap(({ insertId, cells }) => {
      if (typeof insertId !== 'string' || dedupeMs === 0) return [cells];
      if (ids.has(insertId)) return [];
      ids.set(insertId, now);
      return [cells];
    });
  }
}

/** What the stand-in holds, in counts. */
export const countTables = (tables: BigQueryStore): object =>
  Object.fromEntries(tables.tables.map((name) => [name, { kind: tables.table(name)?.resource.view ? 'view' : 'table', ...tables.count(name) }]));

const nameOf = ({ params }: Request): string => [params['project'], params['dataset'], params['table']].filter((part) => part !== undefined).join('.');

function bodyOf(request: Request): unknown {
  try {
    return JSON.parse(request.body as string);
  } catch {
    return undefined;
  }
}

const described = ({ resource, etag }: StoredTable): Reply => ({ status: 200, body: { kind: 'bigquery#table', type: resource.view ? 'VIEW' : 'TABLE', ...resource, etag } });

function giveToken({ store }: StandIn, destination: string, given: Record<string, unknown>): Reply {
  const good = (given['grant_type'] === 'refresh_token' && given['refresh_token'] === 'sandbox') || given['subject_token'] === 'sandbox';
  if (!good) return { status: 400, body: { error: 'invalid_grant', error_description: 'Token has been expired or revoked.' } };
  return { status: 200, body: { access_token: store.issueToken(destination), token_type: 'Bearer', expires_in: 3_600, issued_token_type: 'urn:ietf:params:oauth:token-type:access_token' } };
}

function dropTable(tables: BigQueryStore, name: string): Reply {
  if (!tables.table(name)) return notFound('Table', name);
  tables.dropTable(name);
  return { status: 204, body: '' };
}

function makeDataset(tables: BigQueryStore, request: Request): Reply {
  const resource = bodyOf(request) as { datasetReference?: { datasetId?: string }; location?: string } | undefined;
  const id = resource?.datasetReference?.datasetId;
  if (!id || !/^\w+$/.test(id)) return refusal(400, 'invalid', 'Invalid dataset ID. Dataset IDs must be alphanumeric (plus underscores).');
  const name = `${String(request.params['project'])}.${id}`;
  if (tables.dataset(name)) return refusal(409, 'duplicate', `Already Exists: Dataset ${name.replace('.', ':')}`);
  tables.makeDataset(name, { kind: 'bigquery#dataset', location: 'US', ...resource });
  return { status: 200, body: tables.dataset(name) ?? {} };
}

function makeTable(tables: BigQueryStore, request: Request, lagMs: number): Reply {
  const resource = bodyOf(request) as TableResource | undefined;
  const id = resource?.tableReference.tableId;
  if (!resource || id === undefined) return refusal(400, 'required', 'Required parameter is missing: tableReference');
  if (!tables.dataset(nameOf(request))) return notFound('Dataset', nameOf(request).replace('.', ':'));
  const name = `${nameOf(request)}.${id}`;
  if (tables.table(name)) return refusal(409, 'duplicate', `Already Exists: Table ${name}`);
  const fields = resource.schema?.fields ?? [];
  const wrong = fields.find(({ type }) => !isKnownType(type))?.name ?? unknownIn(fields, [...(resource.clustering?.fields ?? []), ...(resource.timePartitioning?.field === undefined ? [] : [resource.timePartitioning.field])]);
  if (wrong !== undefined) return refusal(400, 'invalid', `The field ${wrong} is not what the table or its clustering can have.`);
  if ((resource.clustering?.fields.length ?? 0) > 4) return refusal(400, 'invalid', 'Too many clustering fields: at most 4.');
  if (resource.view?.useLegacySql !== false && resource.view) return refusal(400, 'invalidQuery', 'The stand-in knows no legacy SQL.');
  return orWrong(() => described(tables.makeTable(name, resource, lagMs)));
}

const unknownIn = (fields: readonly Field[], names: readonly string[]): string | undefined => names.find((name) => !fields.some((field) => field.name === name));

/** Columns can be added, and nothing else of a table be changed. */
function patchTable(tables: BigQueryStore, request: Request, lagMs: number): Reply {
  const name = nameOf(request);
  const found = tables.table(name);
  if (!found) return notFound('Table', name);
  const expected = request.get('if-match');
  if (expected !== undefined && expected !== found.etag) return refusal(412, 'conditionNotMet', 'Precondition check failed.');
  const { schema, view } = (bodyOf(request) ?? {}) as Partial<TableResource>;
  if (view) return orWrong(() => described(tables.replaceView(name, found, view)));
  const fields = schema?.fields ?? [];
  const before = found.resource.schema?.fields ?? [];
  const changed = before.find(({ name: column, type }, index) => fields[index]?.name !== column || fields[index].type !== type);
  const added = fields.slice(before.length);
  if (changed || added.some(({ mode, type }) => mode === 'REQUIRED' || !isKnownType(type))) {
    return refusal(400, 'invalid', changed ? `Provided Schema does not match Table ${name}. Field ${changed.name} is missing in new schema` : `Provided Schema does not match Table ${name}. Cannot add required fields to an existing schema.`);
  }
  return described(tables.addFields(name, found, fields, lagMs));
}

function orWrong(work: () => Reply): Reply {
  try {
    return work();
  } catch (error) {
    if (error instanceof WrongQuery) return refusal(400, 'invalidQuery', error.message);
    throw error;
  }
}

const asRows = ({ rows }: QueryAnswer): object[] => rows.map((cells) => ({ f: cells.map((v) => ({ v })) }));
const ROWS_PER_PAGE = 1_000;

function listRows(tables: BigQueryStore, request: Request): Reply {
  const name = nameOf(request);
  const found = tables.table(name);
  if (!found) return notFound('Table', name);
  if (found.resource.view) return refusal(400, 'invalid', `Cannot list a table of type VIEW: ${name}`);
  const [from, most] = [Number(queryOf(request, 'pageToken') || 0), Math.min(ROWS_PER_PAGE, Number(queryOf(request, 'maxResults') || ROWS_PER_PAGE))];
  const answer = tables.query(`select * from \`${name}\` order by _row limit ${String(most)} offset ${String(from)}`, {}, 0);
  return { status: 200, body: { kind: 'bigquery#tableDataList', totalRows: String(tables.count(name).rows), rows: asRows(answer), ...(answer.rows.length === most ? { pageToken: String(from + most) } : {}) } };
}

function runQuery(tables: BigQueryStore, body: unknown, bufferMs: number): Reply {
  const { query = '', useLegacySql = true, queryParameters = [] } = (body ?? {}) as QueryRequest;
  if (useLegacySql) return refusal(400, 'invalidQuery', 'The stand-in knows no legacy SQL: say "useLegacySql": false.');
  const parameters = Object.fromEntries(queryParameters.map(({ name = '', parameterValue }) => [name, parameterValue?.arrayValues ? JSON.stringify(parameterValue.arrayValues.map(({ value }) => value)) : (parameterValue?.value ?? '')]));
  return orWrong(() => {
    const answer = tables.query(query, parameters, bufferMs);
    const dml = answer.fields.length === 0 ? { numDmlAffectedRows: String(answer.affected) } : { schema: { fields: answer.fields }, rows: asRows(answer), totalRows: String(answer.rows.length) };
    return { status: 200, body: { kind: 'bigquery#queryResponse', jobComplete: true, ...dml } };
  });
}
