/** TikTok's `segment/*` and what is read of audiences: HTTP 200 with a code, whatever happened. github.com/bububa/tiktok-business carries the reference text (read 2026-11). */
import { randomUUID } from 'node:crypto';
import { Router, json, type Request, type RequestHandler } from 'express';
import { answerCall, destinationIn, HASH_OF_NOTHING, queryOf, send, SHA256_HEX, troubleOfReading, type BrokenReplies, type MemberCall, type Reply, type StandIn } from './answer-call.ts';
import { isWrong, type Fault } from './faults.ts';
import type { SandboxDestination, SandboxMember, SandboxStore } from './store.ts';

const ID_TYPES = new Set(['EMAIL_SHA256', 'PHONE_SHA256', 'IDFA_SHA256', 'AAID_SHA256', 'IDFA_MD5', 'AAID_MD5']);
const MOST_ROWS = 10_000;
const MOST_PER_PAGE = 100;
const PARTNER = 'Partner Audience';
/** Longer names are cut, and three dots put behind them. */
const LONGEST_NAME = 70;

const said = (code: number, message: string, data: object = {}): Reply => ({ status: 200, body: { code, message, request_id: randomUUID().replaceAll('-', '').toUpperCase(), data } });

export function tiktokRoutes(standIn: StandIn): Router {
  const { store } = standIn;
  const router = Router();
  router.use('/:destination/v1.3', (request, response, next) => {
    // The path is compared to the letter: without its slash at the end there is no such method.
    const known = destinationIn(request, store, 'tiktok') && request.path.endsWith('/');
    if (known || !destinationIn(request, store, 'tiktok')) next();
    else response.status(404).send('404 page not found');
  });
  const readBody = json({ limit: '32mb', type: 'application/json' });
  const mapping: RequestHandler = async (request, response, next) => {
    const destination = destinationIn(request, store, 'tiktok');
    if (!destination) {
      next();
      return;
    }
    const body = request.body as Partial<Mapping> | undefined;
    const audience = body?.batch_data?.[0]?.find((cell) => cell.audience_ids)?.audience_ids?.[0] ?? '';
    const call: MemberCall = { destination, audience, action: body?.action === 'delete' ? 'remove' : 'add', rows: body?.batch_data?.length ?? 0 };
    await answerCall(standIn, response, call, broken, (fault) => whyUnauthorised(request, destination) ?? whyRefused(body, call, store) ?? take(body as Mapping, call, store, fault));
  };
  const reading = (answer: (destination: SandboxDestination, request: Request) => Reply): RequestHandler => (request, response, next) => {
    const destination = destinationIn(request, store, 'tiktok');
    if (destination) send(response, whyUnauthorised(request, destination) ?? troubleOfReading(standIn, destination, broken) ?? answer(destination, request));
    else next();
  };
  router.post('/:destination/v1.3/segment/mapping/', readBody, mapping);
  router.post('/:destination/v1.3/segment/audience/', readBody, reading((destination, request) => create(store, destination, request.body)));
  router.get('/:destination/v1.3/dmp/custom_audience/list/', reading((destination, request) => list(store, destination, request)));
  router.get('/:destination/v1.3/dmp/custom_audience/get/', reading(({ name, settings }, request) => {
    if (queryOf(request, 'advertiser_id') !== settings['advertiser_id']) return NOT_YOURS;
    const ids = standIn.faults.at(name)?.fault === 'misconfigured' ? [] : (JSON.parse(queryOf(request, 'custom_audience_ids') || '[]') as string[]);
    return said(0, 'OK', { list: store.audiencesOf(name).filter(({ id }) => ids.includes(id)).map((one) => ({ audience_details: describe(one) })) });
  }));
  return router;
}

const NOT_YOURS = said(40_001, 'No permission to operate this advertiser.');

const broken: BrokenReplies = {
  http_500: () => said(50_002, 'Service error: please try again later'),
  rate_limit: (_call, ms) => said(40_100, ms > 0 && ms <= 1_000 ? 'App reaches the QPS limit 10, current QPS is 11' : 'App reaches the QPM limit 600, current QPM is 601'),
  no_permission: () => NOT_YOURS,
  unauthorised: () => said(40_105, 'Access token is incorrect or has been revoked.'),
  needs_person: () => said(40_118, 'The app is not allow-listed for this API.'),
  misconfigured: () => said(40_007, 'The audience does not exist.'),
  refuse_removals: ({ action }) => action === 'remove' ? said(40_002, 'audience size 0 (<1,000 matches)') : undefined,
};

interface Cell {
  id?: string;
  audience_ids?: string[];
}
interface Mapping {
  advertiser_ids: string[];
  action: string;
  id_schema: string[];
  batch_data: Cell[][];
}

const whyUnauthorised = (request: Request, { settings }: SandboxDestination): Reply | undefined =>
  request.get('access-token') === settings['access_token'] ? undefined : said(40_105, 'Access token is incorrect or has been revoked.');

function whyRefused(body: Partial<Mapping> | undefined, { destination }: MemberCall, store: SandboxStore): Reply | undefined {
  const { advertiser_ids: advertisers, action, id_schema: schema, batch_data: rows } = body ?? {};
  const bad = (message: string): Reply => said(40_002, message);
  if (!Array.isArray(advertisers) || !advertisers.includes(String(destination.settings['advertiser_id']))) return NOT_YOURS;
  if (action !== 'add' && action !== 'delete') return bad(`action: ${String(action)} is not add or delete`);
  if (!Array.isArray(schema) || schema.length === 0 || new Set(schema).size !== schema.length || schema.some((type) => !ID_TYPES.has(type))) return bad('id_schema: invalid');
  if (!Array.isArray(rows) || rows.length === 0) return bad('batch_data: is required');
  if (rows.length > (store.limitsOf(destination.name).rowsPerCall ?? MOST_ROWS)) return said(40_011, 'batch_data: too many rows');
  // An audience made from a file is another thing, and none that this call knows.
  const streaming = new Set(store.audiencesOf(destination.name).flatMap(({ id, said: { audience_type: type = PARTNER } }) => (type === PARTNER ? [id] : [])));
  for (const row of rows) {
    if (row.length !== schema.length) return bad('batch_data: does not match id_schema');
    for (const { id, audience_ids: audiences } of row) {
      if (id === undefined && audiences === undefined) continue;
      if (id === undefined || !SHA256_HEX.test(id) || id === HASH_OF_NOTHING) return said(40_062, 'PII not hashed');
      if (!audiences?.length || audiences.some((audience) => !streaming.has(audience))) return said(40_007, 'The audience does not exist.');
    }
  }
  return undefined;
}

/** Wrong rows make it a partial success, without a word on which. */
function take({ id_schema: schema, batch_data: rows }: Mapping, { destination, audience, action }: MemberCall, store: SandboxStore, fault: Fault | undefined): Reply {
  const members = rows.map((row): SandboxMember => Object.fromEntries(schema.map((type, index) => [type, row[index]?.id ?? ''])));
  const valid = members.filter((member) => !isWrong(fault, 'named_invalid', member) && !isWrong(fault, 'unnamed_invalid', member) && Object.values(member).some((value) => value !== ''));
  store.apply({ destination: destination.name, audience, action, rows: valid });
  return valid.length === members.length ? said(0, 'OK') : said(20_001, 'Partial success');
}

const describe = ({ id, name, size, said: more }: ReturnType<SandboxStore['audiencesOf']>[number]): object => ({
  audience_id: id,
  name,
  audience_type: PARTNER,
  is_valid: true,
  is_expiring: false,
  cover_num: size,
  ...more,
});

function create(store: SandboxStore, destination: SandboxDestination, body: unknown): Reply {
  const { action, custom_audience_name: name } = (body ?? {}) as Record<string, unknown>;
  if (action !== 'create' || typeof name !== 'string' || name === '') return said(40_002, 'custom_audience_name: is required');
  return said(0, 'OK', { audience_id: store.create(destination.name, name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME - 3)}...` : name) });
}

function list(store: SandboxStore, { name, settings }: SandboxDestination, request: Request): Reply {
  if (queryOf(request, 'advertiser_id') !== settings['advertiser_id']) return NOT_YOURS;
  const [page, size] = [Number(queryOf(request, 'page') || 1), Number(queryOf(request, 'page_size') || 10)];
  if (!(page >= 1 && size >= 1 && size <= MOST_PER_PAGE)) return said(40_002, 'page_size: must be between 1 and 100');
  const all = store.audiencesOf(name).map(describe);
  return said(0, 'OK', { list: all.slice((page - 1) * size, page * size), page_info: { page, page_size: size, total_number: all.length, total_page: Math.ceil(all.length / size) } });
}
