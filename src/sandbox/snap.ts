/** Snap's segments and their `users`. https://developers.snap.com/api/marketing-api/Ads-API/customer-lists (read 2026-11) */
import { randomUUID } from 'node:crypto';
import { Router, json, urlencoded, type Request, type RequestHandler } from 'express';
import { answerCall, bearerOf, destinationIn, HASH_OF_NOTHING, send, SHA256_HEX, troubleOfReading, type BrokenReplies, type MemberCall, type Reply, type StandIn } from './answer-call.ts';
import { isWrong, type Fault } from './faults.ts';
import type { SandboxDestination, SandboxStore } from './store.ts';

const MOST_ROWS = 100_000;
const TYPES = new Set(['EMAIL_SHA256', 'PHONE_SHA256', 'MOBILE_AD_ID_SHA256']);
/** What the stand-in asks for when it throttles. Seconds. */
const RETRY_AFTER_S = 5;

const success = (body: object): Reply => ({ status: 200, body: { request_status: 'SUCCESS', request_id: randomUUID(), ...body } });
const failure = (status: number, message: string, headers: Record<string, string> = {}): Reply => ({
  status,
  headers,
  body: { request_status: 'ERROR', request_id: randomUUID(), debug_message: message, display_message: message, error_code: `E${String(status)}` },
});

export function snapRoutes(standIn: StandIn): Router {
  const { store } = standIn;
  const router = Router();
  const readBody = json({ limit: '32mb', type: 'application/json' });
  router.post('/:destination/token', urlencoded({ extended: false }), (request, response, next) => {
    const destination = destinationIn(request, store, 'snap');
    if (!destination) {
      next();
      return;
    }
    const given = request.body as Record<string, unknown>;
    const known = given['grant_type'] === 'refresh_token' && ['client_id', 'client_secret', 'refresh_token'].every((field) => given[field] === destination.settings[field]);
    send(response, known ? { status: 200, body: { access_token: store.issueToken(destination.name), token_type: 'Bearer', expires_in: 3_600 } } : { status: 400, body: { error: 'invalid_grant' } });
  });
  const users: RequestHandler = async (request, response, next) => {
    const destination = destinationIn(request, store, 'snap');
    if (!destination) {
      next();
      return;
    }
    const body = request.body as { users?: Users[] } | undefined;
    const call: MemberCall = { destination, audience: String(request.params['segment']), action: request.method === 'DELETE' ? 'remove' : 'add', rows: body?.users?.[0]?.data?.length ?? 0 };
    await answerCall(standIn, response, call, broken, (fault) => whyUnauthorised(request, destination, store) ?? whyRefused(body?.users, call, store) ?? take(body?.users ?? [], call, store, fault));
  };
  const reading = (answer: (destination: SandboxDestination, request: Request) => Reply): RequestHandler => (request, response, next) => {
    const destination = destinationIn(request, store, 'snap');
    if (destination) send(response, whyUnauthorised(request, destination, store) ?? troubleOfReading(standIn, destination, broken) ?? answer(destination, request));
    else next();
  };
  router.route('/:destination/v1/segments/:segment/users').post(readBody, users).delete(readBody, users);
  router.get('/:destination/v1/segments/:segment', reading((destination, request) => {
    const gone = standIn.faults.at(destination.name)?.fault === 'misconfigured';
    const found = gone ? [] : describe(store, destination).filter(({ segment }) => segment['id'] === request.params['segment']);
    return found.length === 0 ? failure(404, 'The segment does not exist') : success({ segments: found });
  }));
  router.get('/:destination/v1/adaccounts/:account/segments', reading((destination) => success({ segments: describe(store, destination) })));
  router.post('/:destination/v1/adaccounts/:account/segments', readBody, reading((destination, request) => {
    const name = (request.body as { segments?: { name?: string }[] } | undefined)?.segments?.[0]?.name;
    if (!name) return failure(400, 'name is required');
    const id = store.create(destination.name, name);
    return success({ segments: describe(store, destination).filter(({ segment }) => segment['id'] === id) });
  }));
  return router;
}

interface Users {
  schema?: string[];
  data?: string[][];
}

const broken: BrokenReplies = {
  http_500: () => failure(500, 'Internal error'),
  rate_limit: (_call, ms) => failure(429, 'Too Many Requests', { 'retry-after': String(ms > 0 ? ms / 1_000 : RETRY_AFTER_S) }),
  unauthorised: () => failure(401, 'The access token is not valid'),
  needs_person: ({ destination }) => failure(403, `The member has no role on ${String(destination.settings['ad_account'])}`),
  no_permission: () => failure(403, 'The member may not do this'),
  misconfigured: () => failure(404, 'The segment does not exist'),
  refuse_removals: ({ action }) => action === 'remove' ? failure(403, 'The segment cannot be changed') : undefined,
};

const whyUnauthorised = (request: Request, { name }: SandboxDestination, store: SandboxStore): Reply | undefined => (store.isIssued(name, bearerOf(request)) ? undefined : failure(401, 'The access token is not valid'));

function whyRefused(users: Users[] | undefined, { destination, audience }: MemberCall, store: SandboxStore): Reply | undefined {
  if (store.sizeOf(destination.name, audience) === undefined) return failure(404, 'The segment does not exist');
  const [{ schema = [], data = [] } = {}, ...others] = users ?? [];
  if (others.length > 0 || schema.length !== 1 || !TYPES.has(schema[0] ?? '')) return failure(400, 'users needs one entry with a schema of one type');
  if (data.length === 0 || data.length > (store.limitsOf(destination.name).rowsPerCall ?? MOST_ROWS)) return failure(400, `data holds ${String(data.length)} rows`);
  const wrong = data.some((row) => row.length !== 1 || !SHA256_HEX.test(row[0] ?? '') || row[0] === HASH_OF_NOTHING);
  return wrong ? failure(400, 'data must be hashed with SHA256') : undefined;
}

/** Counts what it took, without a word on what it did not take. */
function take([users]: Users[], { destination, audience, action }: MemberCall, store: SandboxStore, fault: Fault | undefined): Reply {
  const type = users?.schema?.[0] ?? '';
  const valid = (users?.data ?? []).filter((row) => !isWrong(fault, 'named_invalid', row) && !isWrong(fault, 'unnamed_invalid', row));
  store.apply({ destination: destination.name, audience, action, rows: valid.map(([value = '']) => ({ [type]: value })) });
  return success({ users: [{ sub_request_status: 'SUCCESS', user: { number_uploaded_users: valid.length } }] });
}

const describe = (store: SandboxStore, { name, settings }: SandboxDestination): { sub_request_status: string; segment: Record<string, unknown> }[] =>
  store.audiencesOf(name).map((audience) => ({
    sub_request_status: 'SUCCESS',
    segment: {
      id: audience.id,
      name: audience.name,
      ad_account_id: settings['ad_account'],
      source_type: 'FIRST_PARTY',
      retention_in_days: 9_999,
      status: 'ACTIVE',
      targetable_status: 'READY',
      approximate_number_users: audience.size,
      ...audience.said,
    },
  }));
