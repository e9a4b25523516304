/**
 * Meta's `/users` edge and what is read of audiences, as strict as the real one.
 * https://developers.facebook.com/documentation/ads-commerce/marketing-api/reference/custom-audience/users (read 2026-11)
 */
import { createHash, createHmac, randomInt } from 'node:crypto';
import { Router, json, type Request, type RequestHandler } from 'express';
import { answerCall, bearerOf, destinationIn, HASH_OF_NOTHING, queryOf, send, SHA256_HEX, troubleOfReading, type BrokenReplies, type MemberCall, type Reply, type StandIn } from './answer-call.ts';
import { isWrong, type Fault, type FaultName } from './faults.ts';
import type { SandboxDestination, SandboxMember, SandboxStore } from './store.ts';

const HASHED = ['EMAIL', 'PHONE', 'GEN', 'DOBY', 'DOBM', 'DOBD', 'LN', 'FN', 'FI', 'CT', 'ST', 'ZIP', 'COUNTRY'];
const COLUMNS = new Set([...HASHED, 'EXTERN_ID', 'MADID']);
const MOST_ROWS = 10_000;
const MOST_SAMPLES = 100;
const SUPPORTED_VERSION = 26;
/** What the stand-in asks for when it throttles. Seconds. */
const RESET_AFTER_S = 5;
const PROOF_VALID_S = 300;

export function metaRoutes(standIn: StandIn): Router {
  const { store } = standIn;
  const router = Router();
  const readBody = json({ limit: '32mb', type: 'application/json' });
  const changeUsers: RequestHandler = async (request, response) => {
    const destination = destinationIn(request, store, 'meta');
    if (!destination) {
      send(response, { status: 404, body: error(100, 'Unknown path components', { subcode: 2500 }) });
      return;
    }
    const action = request.method === 'DELETE' ? 'remove' : 'add';
    const call: MemberCall = { destination, audience: String(request.params['audience']), action, rows: countRows(request.body) };
    await answerCall(standIn, response, call, broken, (fault) => whyRefused(request, call, store) ?? take(request.body as { payload: Payload }, call, store, fault));
  };
  type Answer = (destination: SandboxDestination, request: Request, fault: FaultName | undefined) => Reply;
  const reading = (answer: Answer, replies: BrokenReplies = broken): RequestHandler => (request, response, next) => {
    const destination = destinationIn(request, store, 'meta');
    if (!destination) next();
    else send(response, whyUnauthorised(request, destination) ?? troubleOfReading(standIn, destination, replies) ?? answer(destination, request, standIn.faults.at(destination.name)?.fault));
  };
  // A token that lacks a permission may all the same ask for its permissions.
  router.get('/:destination/:version/me/permissions', reading((_destination, _request, fault) => ({ status: 200, body: { data: [{ permission: 'ads_read', status: 'granted' }, { permission: 'ads_management', status: fault === 'no_permission' ? 'declined' : 'granted' }] } }), { ...broken, no_permission: () => undefined }));
  router.get('/:destination/:version/:account/customaudiences', reading(({ name }, request) => ({ status: 200, body: { data: store.audiencesOf(name).map((one) => ({ id: one.id, name: one.name })).filter(filterOf(request)) } })));
  router.post('/:destination/:version/:account/customaudiences', readBody, reading((destination, request) => create(store, destination, request.body)));
  router.get('/:destination/:version/:object', reading((destination, request, fault) => describe(store, destination, String(request.params['object']), fault)));
  router.route('/:destination/:version/:audience/users').post(readBody, changeUsers).delete(readBody, changeUsers);
  return router;
}

const broken: BrokenReplies = {
  http_500: () => ({ status: 500, body: error(2, 'Service temporarily unavailable', { type: 'OAuthException', transient: true }) }),
  rate_limit: (_call, ms) => ({
      status: 400,
      body: error(80003, 'There have been too many calls to this ad-account. Wait a bit and try again.', { subcode: 2446079, type: 'OAuthException' }),
      headers: { 'X-Ad-Account-Usage': JSON.stringify({ acc_id_util_pct: 100, reset_time_duration: ms > 0 ? ms / 1_000 : RESET_AFTER_S, ads_api_access_tier: 'standard_access' }) },
    }),
  no_permission: () => ({ status: 403, body: error(200, 'Requires ads_management permission to manage the object', { type: 'OAuthException' }) }),
  unauthorised: () => ({ status: 401, body: error(190, 'Error validating access token: The session has been invalidated.', { subcode: 460, type: 'OAuthException' }) }),
  needs_person: () => ({ status: 400, body: error(200, 'Permissions error', { subcode: 1870034, title: 'Custom Audience Terms Not Accepted' }) }),
  misconfigured: () => gone('0'),
  refuse_removals: ({ action }) => action === 'remove' ? { status: 400, body: error(200, 'Permissions error', { subcode: 1870047, title: 'Custom audience too small' }) } : undefined,
};

const gone = (id: string): Reply => ({
  status: 400,
  body: error(100, `Unsupported request. Object with ID '${id}' does not exist, or cannot be loaded due to missing permissions`, { subcode: 33 }),
});

interface Payload {
  schema: string[];
  data: string[][];
}

function whyUnauthorised(request: Request, { settings }: SandboxDestination): Reply | undefined {
  if (bearerOf(request) !== settings['access_token']) return { status: 401, body: error(190, 'Invalid OAuth access token - Cannot parse access token', { type: 'OAuthException' }) };
  const version = /^v(\d+)\.0$/.exec(String(request.params['version']))?.[1];
  if (Number(version) !== SUPPORTED_VERSION) return { status: 400, body: error(2635, 'You are calling a deprecated version of the Ads API.') };
  return typeof settings['app_secret'] === 'string' && !isProven(request, settings['app_secret']) ? { status: 400, body: error(100, 'Invalid appsecret_proof provided in the API argument', { type: 'GraphMethodException' }) } : undefined;
}

/** An app that asks for it takes no call without the time-bound proof of its secret. */
function isProven(request: Request, secret: string): boolean {
  const given = (request.method === 'GET' ? request.query : (request.body ?? {})) as Record<string, unknown>;
  const time = Number(given['appsecret_time']);
  const proof = createHmac('sha256', secret).update(`${bearerOf(request)}|${String(time)}`).digest('hex');
  return given['appsecret_proof'] === proof && Math.abs(Date.now() / 1_000 - time) < PROOF_VALID_S;
}

/** The one filter that is needed: `[{"field":"name","operator":"EQUAL","value":…}]`. */
function filterOf(request: Request): (one: { name: string }) => boolean {
  const [filter] = JSON.parse(queryOf(request, 'filtering') || '[]') as { field: string; operator: string; value: string }[];
  return ({ name }) => filter?.field !== 'name' || filter.operator !== 'EQUAL' || name === filter.value;
}

function whyRefused(request: Request, { destination, audience }: MemberCall, store: SandboxStore): Reply | undefined {
  const unauthorised = whyUnauthorised(request, destination);
  if (unauthorised) return unauthorised;
  const found = store.audiencesOf(destination.name).find(({ id }) => id === audience);
  if (!found) return gone(audience);
  const notReady = whyNotReady(found.said);
  if (notReady) return notReady;
  if ('payload' in request.query) return { status: 400, body: error(100, 'Invalid parameter', { title: 'Send the payload in the body' }) };
  return whyPayloadRefused(request.body, store.limitsOf(destination.name).rowsPerCall ?? MOST_ROWS);
}

/** An audience that says of itself that it is flagged, or being replaced, takes nothing. */
function whyNotReady(said: Record<string, unknown>): Reply | undefined {
  const { code } = (said['operation_status'] ?? {}) as { code?: number };
  if (code === FLAGGED) return { status: 400, body: error(100, 'Invalid parameter', { subcode: 1713230, title: 'Custom audience is flagged' }) };
  return code === BEING_REPLACED ? { status: 400, body: error(2650, 'Failed to update the custom audience', { subcode: 1870145, title: 'An update is in progress' }) } : undefined;
}

const FLAGGED = 471;
const BEING_REPLACED = 414;

function whyPayloadRefused(body: unknown, mostRows: number): Reply | undefined {
  const invalid = (title: string): Reply => ({ status: 400, body: error(100, 'Invalid parameter', { title }) });
  const { payload } = (typeof body === 'object' && body !== null ? body : {}) as { payload?: Partial<Payload> };
  if (!payload || !Array.isArray(payload.schema) || !Array.isArray(payload.data)) return invalid('payload needs a schema and data');
  const { schema, data } = payload;
  const unknown = schema.find((column) => !COLUMNS.has(column));
  if (unknown !== undefined || schema.length === 0 || new Set(schema).size !== schema.length) return invalid(`schema ${JSON.stringify(schema)} is not valid`);
  if (data.length === 0) return invalid('data is empty');
  if (data.length > mostRows) return { status: 400, body: error(1, 'Please reduce the amount of data you are asking for, then retry your request', { subcode: 99 }) };
  const hashed = schema.map((column) => HASHED.includes(column));
  for (const row of data) {
    if (!Array.isArray(row) || row.length !== schema.length) return invalid('Data is missing or does not match schema');
    for (const [index, value] of row.entries()) {
      if (typeof value !== 'string') return invalid('Data is missing or does not match schema');
      if (value !== '' && hashed[index] && (!SHA256_HEX.test(value) || value === HASH_OF_NOTHING)) return invalid(`${schema[index] ?? ''} must be hashed with SHA256`);
    }
  }
  return undefined;
}

/** Takes valid rows in and names the others, up to 100 of them. */
function take({ payload }: { payload: Payload }, { destination, audience, action }: MemberCall, store: SandboxStore, fault: Fault | undefined): Reply {
  const { schema, data } = payload;
  const valid: SandboxMember[] = [];
  const samples: Record<string, string> = {};
  let invalid = 0;
  for (const row of data) {
    const member = Object.fromEntries(schema.map((column, index) => [column, row[index] ?? '']));
    if (isWrong(fault, 'unnamed_invalid', row)) {
      invalid++;
      continue;
    }
    const reason = isWrong(fault, 'named_invalid', row) ? 'invalid value' : whyInvalid(schema, member);
    if (reason === undefined) valid.push(member);
    else if (++invalid <= MOST_SAMPLES) samples[JSON.stringify(row)] = reason;
  }
  store.apply({ destination: destination.name, audience, action, rows: valid });
  const full = { '1': [{ type: 'custom_audience', call_count: 100, total_cputime: 25, total_time: 25, estimated_time_to_regain_access: (fault?.ms ?? 0) / 60_000, ads_api_access_tier: 'standard_access' }] };
  return {
    status: 200,
    headers: { 'X-App-Usage': JSON.stringify({ call_count: 1, total_time: 1, total_cputime: 1 }), ...(fault?.fault === 'used_up' ? { 'X-Business-Use-Case-Usage': JSON.stringify(full) } : {}) },
    body: {
      audience_id: audience,
      session_id: `42${String(randomInt(1e12))}${String(randomInt(1e5))}`,
      num_received: data.length,
      num_invalid_entries: invalid,
      invalid_entry_samples: samples,
    },
  };
}

function whyInvalid(schema: readonly string[], member: SandboxMember): string | undefined {
  if (schema.includes('EXTERN_ID') && member['EXTERN_ID'] === '') return 'empty external ID';
  if (['EXTERN_ID', 'MADID', 'EMAIL', 'PHONE'].every((column) => !member[column])) return 'no identifier to match';
  return undefined;
}

/** An ad account, or an audience. */
function describe(store: SandboxStore, { name, settings }: SandboxDestination, id: string, fault: FaultName | undefined): Reply {
  if (id === settings['ad_account']) return { status: 200, body: { id, name: 'The sandbox', account_status: 1, ...(fault === 'needs_person' ? {} : { tos_accepted: { custom_audience_tos: 1 } }) } };
  const audience = fault === 'misconfigured' ? undefined : store.audiencesOf(name).find((one) => one.id === id);
  if (!audience) return gone(id);
  return {
    status: 200,
    body: {
      id,
      name: audience.name,
      subtype: 'CUSTOM',
      account_id: String(settings['ad_account']).replace('act_', ''),
      operation_status: { code: 200, description: 'Normal' },
      delivery_status: { code: 200, description: 'This audience is ready for use.' },
      approximate_count_lower_bound: audience.size,
      approximate_count_upper_bound: audience.size,
      ...audience.said,
    },
  };
}

function create(store: SandboxStore, destination: SandboxDestination, body: unknown): Reply {
  const { name, subtype, customer_file_source: source } = (body ?? {}) as Record<string, unknown>;
  if (typeof name !== 'string' || subtype !== 'CUSTOM' || typeof source !== 'string') return { status: 400, body: error(100, 'Invalid parameter', { title: 'name, subtype and customer_file_source are required' }) };
  return { status: 200, body: { id: store.create(destination.name, name) } };
}

const countRows = (body: unknown): number => {
  const data = (body as { payload?: { data?: unknown } } | undefined)?.payload?.data;
  return Array.isArray(data) ? data.length : 0;
};

interface ErrorDetails {
  subcode?: number;
  type?: string;
  title?: string;
  transient?: boolean;
}

const error = (code: number, message: string, { subcode, type = 'FacebookApiException', title, transient = false }: ErrorDetails = {}): object => ({
  error: {
    message: `(#${String(code)}) ${message}`,
    type,
    code,
    ...(subcode === undefined ? {} : { error_subcode: subcode }),
    ...(title === undefined ? {} : { error_user_title: title }),
    is_transient: transient,
    fbtrace_id: `A${createHash('md5').update(String(Math.random())).digest('base64url').slice(0, 14)}`,
  },
});
