/**
 * Meta's `/users` edge, as strict as the real one.
 * https://developers.facebook.com/documentation/ads-commerce/marketing-api/reference/custom-audience/users (read 2026-11)
 */
import { createHash, randomInt } from 'node:crypto';
import { Router, json, type Request, type RequestHandler, type Response } from 'express';
import type { Fault, Faults } from './faults.ts';
import type { SandboxDestination, SandboxMember, SandboxStore } from './store.ts';

const HASHED = ['EMAIL', 'PHONE', 'GEN', 'DOBY', 'DOBM', 'DOBD', 'LN', 'FN', 'FI', 'CT', 'ST', 'ZIP', 'COUNTRY'];
const COLUMNS = new Set([...HASHED, 'EXTERN_ID', 'MADID']);
const HASH = /^[0-9a-f]{64}$/;
/** SHA-256 of the empty text: somebody hashed nothing. */
const HASH_OF_NOTHING = createHash('sha256').update('').digest('hex');
const MOST_ROWS = 10_000;
const MOST_SAMPLES = 100;
const SUPPORTED_VERSION = 26;
/** What the stand-in asks for when it throttles. Seconds. */
const RESET_AFTER_S = 5;

interface MetaAnswer {
  status: number;
  body: object;
  headers?: Record<string, string>;
}

interface Call {
  destination: SandboxDestination;
  audience: string;
  action: 'add' | 'remove';
}

export function metaRoutes(store: SandboxStore, faults: Faults): Router {
  const router = Router();
  const readBody = json({ limit: '32mb', type: 'application/json' });
  const handle: RequestHandler = async (request, response) => {
    const destination = store.destination(String(request.params['destination']));
    if (destination?.platform !== 'meta') {
      response.status(404).json(error(100, 'Unknown path components', { subcode: 2500 }));
      return;
    }
    const call: Call = { destination, audience: String(request.params['audience']), action: request.method === 'DELETE' ? 'remove' : 'add' };
    await answer(request, response, call, store, faults.take(destination.name));
  };
  router.route('/:destination/:version/:audience/users').post(readBody, handle).delete(readBody, handle);
  return router;
}

async function answer(request: Request, response: Response, call: Call, store: SandboxStore, fault: Fault | undefined): Promise<void> {
  const rows = countRows(request.body);
  const noted = { at: new Date().toISOString(), destination: call.destination.name, audience: call.audience, action: call.action, rows };
  if (fault?.fault === 'slow_ms') await new Promise((resolve) => setTimeout(resolve, fault.ms));
  const reply = broken(fault) ?? whyRefused(request, call, store) ?? take(request.body as { payload: Payload }, call, store, fault?.value);
  if (fault?.fault === 'timeout_applied') {
    // Applied and never answered: the caller has to give up by itself.
    store.note({ ...noted, answer: null });
    return;
  }
  store.note({ ...noted, answer: reply.status });
  response.status(reply.status).set(reply.headers ?? {}).json(reply.body);
}

function broken(fault: Fault | undefined): MetaAnswer | undefined {
  switch (fault?.fault) {
    case 'http_500':
      return { status: 500, body: error(2, 'Service temporarily unavailable', { type: 'OAuthException', transient: true }) };
    case 'rate_limit':
      return {
        status: 400,
        body: error(80003, 'There have been too many calls to this ad-account. Wait a bit and try again.', { subcode: 2446079, type: 'OAuthException' }),
        headers: { 'X-Ad-Account-Usage': JSON.stringify({ acc_id_util_pct: 100, reset_time_duration: RESET_AFTER_S, ads_api_access_tier: 'standard_access' }) },
      };
    case 'unauthorised':
      return { status: 401, body: error(190, 'Error validating access token: The session has been invalidated.', { subcode: 460, type: 'OAuthException' }) };
    case 'slow_ms':
    case 'timeout_applied':
    case 'unnamed_invalid':
    case undefined:
      return undefined;
  }
}

interface Payload {
  schema: string[];
  data: string[][];
}

function whyRefused(request: Request, call: Call, store: SandboxStore): MetaAnswer | undefined {
  const refuse = (code: number, message: string, more: ErrorDetails = {}, status = 400): MetaAnswer => ({ status, body: error(code, message, more) });
  if (request.get('authorization') !== `Bearer ${call.destination.accessToken}`) {
    return refuse(190, 'Invalid OAuth access token - Cannot parse access token', { type: 'OAuthException' }, 401);
  }
  const version = /^v(\d+)\.0$/.exec(String(request.params['version']))?.[1];
  if (Number(version) !== SUPPORTED_VERSION) return refuse(2635, 'You are calling a deprecated version of the Ads API.');
  if (store.sizeOf(call.destination.name, call.audience) === undefined) {
    return refuse(100, `Unsupported request. Object with ID '${call.audience}' does not exist, or cannot be loaded due to missing permissions`, { subcode: 33 });
  }
  if ('payload' in request.query) return refuse(100, 'Invalid parameter', { title: 'Send the payload in the body' });
  return whyPayloadRefused(request.body, refuse);
}

function whyPayloadRefused(body: unknown, refuse: (code: number, message: string, more?: ErrorDetails) => MetaAnswer): MetaAnswer | undefined {
  const invalid = (title: string): MetaAnswer => refuse(100, 'Invalid parameter', { title });
  const { payload } = (typeof body === 'object' && body !== null ? body : {}) as { payload?: Partial<Payload> };
  if (!payload || !Array.isArray(payload.schema) || !Array.isArray(payload.data)) return invalid('payload needs a schema and data');
  const { schema, data } = payload;
  const unknown = schema.find((column) => !COLUMNS.has(column));
  if (unknown !== undefined || schema.length === 0 || new Set(schema).size !== schema.length) return invalid(`schema ${JSON.stringify(schema)} is not valid`);
  if (data.length === 0) return invalid('data is empty');
  if (data.length > MOST_ROWS) return refuse(1, 'Please reduce the amount of data you are asking for, then retry your request', { subcode: 99 });
  const hashed = schema.map((column) => HASHED.includes(column));
  for (const row of data) {
    if (!Array.isArray(row) || row.length !== schema.length) return invalid('Data is missing or does not match schema');
    for (const [index, value] of row.entries()) {
      if (typeof value !== 'string') return invalid('Data is missing or does not match schema');
      if (value !== '' && hashed[index] && (!HASH.test(value) || value === HASH_OF_NOTHING)) return invalid(`${schema[index] ?? ''} must be hashed with SHA256`);
    }
  }
  return undefined;
}

/** Takes valid rows in and names the others, up to 100 of them. */
function take({ payload }: { payload: Payload }, call: Call, store: SandboxStore, unnamed: string | undefined): MetaAnswer {
  const { schema, data } = payload;
  const valid: SandboxMember[] = [];
  const samples: Record<string, string> = {};
  let invalid = 0;
  for (const row of data) {
    const member = Object.fromEntries(schema.map((column, index) => [column, row[index] ?? '']));
    if (unnamed !== undefined && row.includes(unnamed)) {
      invalid++;
      continue;
    }
    const reason = whyInvalid(schema, member);
    if (reason === undefined) valid.push(member);
    else if (++invalid <= MOST_SAMPLES) samples[JSON.stringify(row)] = reason;
  }
  store.apply({ destination: call.destination.name, audience: call.audience, action: call.action, rows: valid });
  return {
    status: 200,
    headers: { 'X-App-Usage': JSON.stringify({ call_count: 1, total_time: 1, total_cputime: 1 }) },
    body: {
      audience_id: call.audience,
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
