/** Who may do what: every route of the api, the console and the worker, by role and by method. A route without a row here fails. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createWorkerApp } from '../../src/api/index.ts';
import { Seal, sealingKey } from '../../src/console/seal.ts';
import { createMetrics } from '../../src/monitoring/metrics.ts';
import { serve, startApp, type TestApp } from '../support/app.ts';
import { Visitor } from '../support/console.ts';
import { CART, makeEvent } from '../support/events.ts';
import { startLedger, type TestLedger } from '../support/ledger.ts';
import { routesOf } from '../support/routes.ts';

const READ = 'a-read-token-for-tests';
const OPERATE = 'an-operator-token-for-tests';
const ADA = 'the-own-token-of-ada';

/** Who comes: to an api on loopback without tokens, to one that others reach without tokens, or to one that others reach with both. */
const ROLES = ['here', 'here by a proxy', 'here under another name', 'here from a page of another site', 'no tokens set', 'nobody', 'wrong token', 'reader', 'operator', 'ada'] as const;
type Role = (typeof ROLES)[number];

/** By kind of route, what those get whom it does not let through; `ok`: it lets them through. */
const KINDS = {
  open: { here: 'ok', 'here by a proxy': 'ok', 'here under another name': 'ok', 'here from a page of another site': 'ok', 'no tokens set': 'ok', nobody: 'ok', 'wrong token': 'ok', reader: 'ok', operator: 'ok', ada: 'ok' },
  /** A signature of the source; no token of people opens it. */
  webhook: { here: 401, 'here by a proxy': 401, 'here under another name': 401, 'here from a page of another site': 401, 'no tokens set': 401, nobody: 401, 'wrong token': 401, reader: 401, operator: 401, ada: 401 },
  reading: { here: 'ok', 'here by a proxy': 401, 'here under another name': 401, 'here from a page of another site': 401, 'no tokens set': 401, nobody: 401, 'wrong token': 401, reader: 'ok', operator: 401, ada: 401 },
  operating: { here: 'ok', 'here by a proxy': 401, 'here under another name': 401, 'here from a page of another site': 401, 'no tokens set': 401, nobody: 401, 'wrong token': 401, reader: 401, operator: 'ok', ada: 'ok' },
  page: { here: 'ok', 'here by a proxy': 401, 'here under another name': 401, 'here from a page of another site': 401, 'no tokens set': 401, nobody: 401, 'wrong token': 401, reader: 'ok', operator: 'ok', ada: 'ok' },
  'page of operators': { here: 403, 'here by a proxy': 401, 'here under another name': 401, 'here from a page of another site': 401, 'no tokens set': 401, nobody: 401, 'wrong token': 401, reader: 403, operator: 'ok', ada: 'ok' },
  form: { here: 'ok', 'here by a proxy': 401, 'here under another name': 401, 'here from a page of another site': 401, 'no tokens set': 401, nobody: 401, 'wrong token': 401, reader: 'ok', operator: 'ok', ada: 'ok' },
  'form of operators': { here: 403, 'here by a proxy': 401, 'here under another name': 401, 'here from a page of another site': 401, 'no tokens set': 401, nobody: 401, 'wrong token': 401, reader: 403, operator: 'ok', ada: 'ok' },
} as const satisfies Record<string, Record<Role, number | 'ok'>>;

interface Row {
  kind: keyof typeof KINDS;
  /** What answers whoever is let through: also a 404 says that the guard is behind them. */
  ok?: number;
  /** In place of the names in the path, in order. */
  path?: readonly string[];
  query?: string;
  body?: unknown;
  /** Written down in the audit log when an operator does it. */
  audit?: string;
}

const JSON_TYPE = 'application/json';
const FORM = { what: 'adds', because: 'a test', rule: 'source_silent', subject: '*', for: '1h', body: '{}', source: 'demo', kind: 'customer_id', value: 'c_1' };
const ROUTES: Readonly<Record<string, Row>> = {
  'POST /v1/webhooks/:source': { kind: 'webhook', path: ['demo'], body: {} },
  'POST /v1/webhooks/:source/reporting': { kind: 'webhook', path: ['demo'], body: {} },
  'GET /healthz': { kind: 'open' },
  'GET /readyz': { kind: 'open' },
  'GET /': { kind: 'open', ok: 302 },
  'GET /runbook': { kind: 'open', ok: 302 },
  'GET /openapi.json': { kind: 'open' },
  'GET /openapi': { kind: 'open' },
  'GET /metrics': { kind: 'reading' },
  'GET /v1/events/:event_id': { kind: 'reading', path: ['an-event'] },
  'GET /v1/people': { kind: 'reading', query: '?customer_id=c_1' },
  'GET /v1/audiences': { kind: 'reading' },
  'GET /v1/audiences/:key': { kind: 'reading', path: [CART] },
  'GET /v1/audiences/:key/held': { kind: 'reading', path: [CART] },
  'GET /v1/exports': { kind: 'reading' },
  'GET /v1/exports/:exporter': { kind: 'reading', path: ['nothing'], ok: 404 },
  'GET /v1/actions': { kind: 'reading' },
  'GET /v1/exposures': { kind: 'reading', query: '?since=2026-01-01T00:00:00Z' },
  'GET /v1/quarantine': { kind: 'reading' },
  'GET /v1/quarantine/:id': { kind: 'reading', path: ['1'] },
  'GET /v1/alerts': { kind: 'reading' },
  'GET /v1/guard': { kind: 'reading' },
  'GET /v1/audit': { kind: 'operating' },
  'POST /v1/quarantine/replay': { kind: 'operating', body: { all: true, dry_run: true, by: 'tests' }, audit: 'quarantine.replay' },
  'POST /v1/quarantine/discard': { kind: 'operating', body: { filter: { source: 'nothing' }, by: 'tests', reason: 'a test' }, audit: 'quarantine.discard' },
  'POST /v1/quarantine/:id/replay': { kind: 'operating', path: ['1'], body: { by: 'tests' }, ok: 422, audit: 'quarantine.replay' },
  'POST /v1/quarantine/:id/discard': { kind: 'operating', path: ['999'], body: { by: 'tests', reason: 'a test' }, ok: 404, audit: 'quarantine.discard' },
  'POST /v1/erasures': { kind: 'operating', body: { customer_id: 'c_nobody', by: 'tests' }, ok: 404, audit: 'person.erase' },
  'GET /v1/erasures/:id': { kind: 'operating', path: ['nothing'], ok: 404 },
  'POST /v1/audiences/:key/release': { kind: 'operating', path: [CART], body: { by: 'tests' }, audit: 'audience.release' },
  'POST /v1/exposures': { kind: 'operating', query: '?file=a-file&source=demo', body: 'none', audit: 'exposures.import' },
  'POST /v1/alerts/test': { kind: 'operating', body: {}, audit: 'alert.test' },
  'POST /v1/alerts/mute': { kind: 'operating', body: { rule: 'source_silent', minutes: 1, by: 'tests' }, audit: 'alert.mute' },
  'POST /v1/alerts/:id/acknowledge': { kind: 'operating', path: ['999'], body: { by: 'tests' }, ok: 404, audit: 'alert.acknowledge' },

  'GET /console': { kind: 'page' },
  'GET /console/assets/:file': { kind: 'open', path: ['console.css'] },
  'GET /console/sign-in': { kind: 'open' },
  'GET /console/runbook': { kind: 'open' },
  'GET /console/alerts': { kind: 'page' },
  'GET /console/actions': { kind: 'page' },
  'GET /console/audiences/:key': { kind: 'page', path: [CART] },
  'GET /console/people': { kind: 'page' },
  'GET /console/people/:person_id': { kind: 'page', path: ['p_nobody'], ok: 404 },
  'GET /console/events/:event_id': { kind: 'page', path: ['an-event'] },
  'GET /console/quarantine': { kind: 'page' },
  'GET /console/quarantine/:id': { kind: 'page', path: ['1'] },
  'GET /console/live': { kind: 'page' },
  'GET /console/try': { kind: 'page' },
  'GET /console/audit': { kind: 'page of operators' },
  'POST /console/people': { kind: 'form', ok: 303 },
  'POST /console/try': { kind: 'form' },
  'POST /console/try/check': { kind: 'form' },
  'POST /console/try/send': { kind: 'form of operators', audit: 'event.test' },
  'POST /console/quarantine/:id/:action': { kind: 'form of operators', path: ['1', 'replay'], ok: 422, audit: 'quarantine.replay' },
  'POST /console/alerts/:id/acknowledge': { kind: 'form of operators', path: ['999'], ok: 303, audit: 'alert.acknowledge' },
  'POST /console/alerts/mute': { kind: 'form of operators', ok: 303, audit: 'alert.mute' },
  'POST /console/targets/:destination/:audience/:action': { kind: 'form of operators', path: ['meta_main', CART, 'pause'], ok: 303, audit: 'target.pause' },
  'POST /console/targets/:destination/:audience/release': { kind: 'form of operators', path: ['meta_main', CART], ok: 303, audit: 'audience.release' },
};
/** Forms that everybody may send: they have tests of their own in test/console. */
const SIGNING = ['POST /console/sign-in', 'POST /console/sign-out'];

let own: TestLedger;
let open: TestApp;
let shut: TestApp;
let guarded: TestApp;
let visitors: Record<Role, Visitor>;

beforeAll(async () => {
  own = await startLedger();
  await own.ledger.applyEvents([{ kind: 'event', event: makeEvent({ eventId: 'an-event' }) }]);
  await own.ledger.quarantine([{ source: 'demo', people: 'demo', reason: 'invalid', receivedAt: Date.now(), problems: [], body: '{}', parts: [] }]);
  open = await startApp(own.ledger);
  shut = await startApp(own.ledger, { host: '0.0.0.0' });
  guarded = await startApp(own.ledger, { host: '0.0.0.0', readToken: READ, operatorTokens: [{ name: null, token: OPERATE }, { name: 'ada', token: ADA }] });
  const visitor = (app: TestApp): Visitor => new Visitor(`${app.url}/console`);
  visitors = {
    here: visitor(open), 'here by a proxy': visitor(open), 'here under another name': visitor(open), 'here from a page of another site': visitor(open), 'no tokens set': visitor(shut), nobody: visitor(guarded), 'wrong token': visitor(guarded),
    reader: await visitor(guarded).signIn(READ), operator: await visitor(guarded).signIn(OPERATE), ada: await visitor(guarded).signIn(ADA, 'Grace'),
  };
});
afterAll(async () => {
  for (const app of [open, shut, guarded]) await app.close();
  await own.stop();
});

let callers = 0;
/** What a request of this role says of itself. */
function headersOf(role: Role): Record<string, string> {
  switch (role) {
    case 'here by a proxy':
      return { 'x-forwarded-for': '203.0.113.7' };
    case 'here under another name':
      return { 'x-forwarded-host': 'rebound.example.com', host: 'rebound.example.com' };
    case 'here from a page of another site':
      return { origin: 'https://elsewhere.example.com', 'sec-fetch-site': 'cross-site' };
    case 'wrong token':
      // From another address each, because somebody who guesses waits after a while.
      return { authorization: 'Bearer a-token-that-is-none', 'x-forwarded-for': `198.51.${String(callers >> 8)}.${String(callers++ & 255)}` };
    case 'reader':
      return { authorization: `Bearer ${READ}` };
    case 'operator':
      return { authorization: `Bearer ${OPERATE}` };
    case 'ada':
      return { authorization: `Bearer ${ADA}` };
    case 'here':
    case 'no tokens set':
    case 'nobody':
      return {};
  }
}

const appOf = (role: Role): TestApp => (role.startsWith('here') ? open : role === 'no tokens set' ? shut : guarded);

function addressOf(key: string, { path = [], query = '' }: Row): string {
  let given = 0;
  return `${(key.split(' ')[1] ?? '').replaceAll(/:\w+/g, () => encodeURIComponent(path[given++] ?? 'x'))}${query}`;
}

/** `fetch` sends no Host of its own choosing. */
async function statusOf(role: Role, method: string, address: string, body?: unknown): Promise<number> {
  if (address.startsWith('/console')) {
    const visitor = visitors[role];
    const path = address.slice('/console'.length);
    const headers = role === 'reader' || role === 'operator' || role === 'ada' ? {} : headersOf(role);
    if (method === 'POST') return (await visitor.post(path, FORM, { headers: role === 'here from a page of another site' ? { ...headers, origin: 'https://elsewhere.example.com' } : headers })).status;
    return role === 'here under another name' ? rawStatus(appOf(role).url, method, address, headers) : (await visitor.get(path, headers)).status;
  }
  const lines = address.startsWith('/v1/exposures');
  const type: Record<string, string> = body === undefined ? {} : { 'content-type': lines ? 'application/x-ndjson' : JSON_TYPE };
  return rawStatus(appOf(role).url, method, address, { ...type, ...headersOf(role) }, body === undefined ? undefined : lines ? '' : JSON.stringify(body));
}

async function rawStatus(url: string, method: string, address: string, headers: Record<string, string>, body?: string): Promise<number> {
  const { request } = await import('node:http');
  return new Promise((resolve, reject) => {
    const asked = request(`${url}${address}`, { method, headers }, (response) => {
      response.resume();
      response.once('end', () => { resolve(response.statusCode ?? 0); });
    });
    asked.once('error', reject);
    asked.end(body);
  });
}

test('every route has a row, and every row a route', () => {
  const served = routesOf(guarded.app).map(({ method, path }) => `${method} ${path}`);
  expect(served.length).toBeGreaterThan(55);
  expect(served.filter((key) => ROUTES[key] === undefined && !SIGNING.includes(key))).toEqual([]);
  expect(Object.keys(ROUTES).filter((key) => !served.includes(key))).toEqual([]);
});

test('what changes something is written down, all of it', () => {
  const changing = Object.entries(ROUTES).filter(([key, { kind, audit }]) => key.startsWith('POST') && (kind === 'operating' || kind === 'form of operators') && audit === undefined);
  expect(changing).toEqual([]);
});

describe('by role', () => {
  test.each(Object.entries(ROUTES))('%s', async (key, row) => {
    const method = key.split(' ')[0] ?? '';
    const seen: [Role, number][] = [];
    for (const role of ROLES) {
      // A browser sends the Host that it was led to, and no form of ours is on a page of such a host.
      if (row.kind.includes('form') && (role === 'here under another name' || role === 'here from a page of another site')) continue;
      // Navigating here from another site is asked once more (console.http.test.ts).
      if (row.kind.includes('page') && role === 'here from a page of another site') continue;
      const [before] = await own.database.query<{ most: string }>('select coalesce(max(audit_id), 0) as most from audit');
      seen.push([role, await statusOf(role, method, addressOf(key, row), row.body)]);
      if (role !== 'ada' || row.audit === undefined) continue;
      const written = await own.database.query<{ action: string; who: string; credential: string }>("select distinct action, who, credential from audit where audit_id > $1 and outcome = 'begun'", [before?.most]);
      expect(written).toEqual([{ action: row.audit, who: 'ada', credential: 'the token of ada' }]);
    }
    const expected = seen.map(([role]): [Role, number] => {
      const what = KINDS[row.kind][role];
      return [role, what === 'ok' ? (row.ok ?? 200) : what];
    });
    expect(seen).toEqual(expected);
  });
});

describe('by method', () => {
  const paths = [...new Set(Object.keys(ROUTES).map((key) => key.split(' ')[1] ?? ''))];

  test.each(paths)('%s takes no other method than those of its rows', async (path) => {
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']) {
      const key = `${method} ${path}`;
      if (ROUTES[key] !== undefined) continue;
      const any = Object.entries(ROUTES).find(([other]) => other.endsWith(` ${path}`))![1];
      for (const role of ['here', 'nobody', 'reader', 'ada'] as const) {
        const status = await rawStatus(appOf(role).url, method, addressOf(key, any), headersOf(role));
        expect({ role, method, refused: status >= 400 && status < 500 }).toEqual({ role, method, refused: true });
      }
    }
  });

  test.each(Object.entries(ROUTES).filter(([key]) => key.startsWith('GET')))('HEAD asks for the same as %s', async (key, row) => {
    for (const role of ['nobody', 'wrong token', 'reader'] as const) {
      const [head, get] = [await rawStatus(appOf(role).url, 'HEAD', addressOf(key, row), headersOf(role)), await rawStatus(appOf(role).url, 'GET', addressOf(key, row), headersOf(role))];
      expect({ role, head }).toEqual({ role, head: get });
    }
  });

  test('no page of another site may read an answer: nothing but the description of the api is open to them', async () => {
    for (const [key, row] of Object.entries(ROUTES)) {
      const response = await fetch(`${guarded.url}${addressOf(key, row)}`, { method: 'OPTIONS', headers: { origin: 'https://elsewhere.example.com', 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' } });
      expect([key, response.headers.get('access-control-allow-origin'), response.headers.get('access-control-allow-headers')]).toEqual([key, null, null]);
    }
  });
});

describe('the console, every route', () => {
  const forms = [...Object.keys(ROUTES).filter((key) => key.startsWith('POST /console/')), ...SIGNING];
  test.each(forms)('%s takes no form that is not of its own page', async (key) => {
    const address = addressOf(key, ROUTES[key] ?? { kind: 'form' }).slice('/console'.length);
    const [before] = await own.database.query<{ most: string }>('select coalesce(max(audit_id), 0) as most from audit');
    const of = await visitors.ada.formToken('/');
    const statuses = [
      await visitors.ada.post(address, FORM, { formToken: '' }),
      await visitors.ada.post(address, FORM, { formToken: await visitors.nobody.formToken() }),
      await visitors.ada.post(address, FORM, { formToken: of, headers: { origin: 'https://elsewhere.example.com', 'sec-fetch-site': 'cross-site' } }),
      await visitors.ada.post(address, FORM, { formToken: of, headers: { origin: 'null' } }),
    ].map(({ status }) => status);
    expect(statuses).toEqual([403, 403, 403, 403]);
    expect(await own.database.query('select action from audit where audit_id > $1', [before?.most])).toEqual([]);
  });

  test.each(Object.entries(ROUTES).filter(([key]) => key.startsWith('GET /console')))('%s has the policy and the other headers, whoever asks', async (key, row) => {
    for (const who of [visitors.nobody, visitors.ada]) {
      const { headers } = await who.get(addressOf(key, row).slice('/console'.length));
      expect(headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self';.*frame-ancestors 'none'; base-uri 'none'$/);
      expect(['x-content-type-options', 'x-frame-options', 'referrer-policy', 'cross-origin-opener-policy', 'cross-origin-resource-policy'].map((name) => headers.get(name))).toEqual(['nosniff', 'DENY', 'same-origin', 'same-origin', 'same-origin']);
      expect(headers.get('cache-control')).toMatch(row.kind === 'open' ? /no-store|no-cache/ : /^no-store$/);
    }
  });
});

describe('sessions', () => {
  const session = (who: Visitor): string => who.cookies.get('headgate_session') ?? '';

  test('are new at each sign-in, so that nobody can plant one; every cookie is kept from scripts and other sites', async () => {
    const who = new Visitor(`${guarded.url}/console`);
    await who.signIn(READ);
    const planted = session(who);
    const answer = await who.post('/sign-in', { token: ADA });
    expect(session(who)).not.toBe(planted);
    expect(session(who).length).toBeGreaterThan(50);
    const cookies = answer.headers.getSetCookie();
    expect(cookies.map((cookie) => cookie.split('=')[0])).toEqual(['headgate_session', 'headgate_known']);
    for (const cookie of cookies) {
      expect(cookie).toMatch(/; Path=\/console; Max-Age=\d+; HttpOnly; SameSite=Strict$/);
      expect(cookie).not.toContain(ADA);
    }
  });

  test('end after their time, with the tokens they were begun by, and are of one purpose only', async () => {
    const tokens = { readToken: READ, operatorTokens: [{ name: null, token: OPERATE }, { name: 'ada', token: ADA }] };
    const of = async (cookie: string): Promise<number> => {
      const who = new Visitor(`${guarded.url}/console`);
      who.cookies.set('headgate_session', cookie);
      return (await who.get('/audit')).status;
    };
    const value = { id: 'x', role: 'operator', name: 'ada', credential: 'the token of ada' };
    const seal = new Seal(sealingKey(tokens));
    expect(await of(seal.seal('session', value, Date.now() + 60_000))).toBe(200);
    expect(await of(seal.seal('session', value, Date.now() - 1))).toBe(401);
    expect(await of(seal.seal('visitor', value, Date.now() + 60_000))).toBe(401);
    expect(await of(new Seal(sealingKey({ ...tokens, operatorTokens: [{ name: null, token: OPERATE }] })).seal('session', value, Date.now() + 60_000))).toBe(401);
    expect(await of(session(visitors.reader))).toBe(403);
  });
});

describe('the worker', () => {
  const worker = (host: string, readToken?: string) => createWorkerApp({ host, readToken, isPolling: () => true, isLedgerUp: () => true, metrics: createMetrics() });
  const KNOWN = ['GET /healthz', 'GET /readyz', 'GET /metrics'];

  test('has these routes, and only the metrics need a token', async () => {
    expect(routesOf(worker('0.0.0.0', READ)).map(({ method, path }) => `${method} ${path}`)).toEqual(KNOWN);
    const [here, others] = [await serve(worker('127.0.0.1')), await serve(worker('0.0.0.0', READ))];
    const get = async (url: string, path: string, headers: Record<string, string> = {}): Promise<number> => rawStatus(url, 'GET', path, headers);
    for (const path of ['/healthz', '/readyz']) expect([await get(here.url, path), await get(others.url, path)]).toEqual([200, 200]);
    expect([await get(here.url, '/metrics'), await get(here.url, '/metrics', { 'x-forwarded-for': '203.0.113.7' }), await get(here.url, '/metrics', { host: 'rebound.example.com' })]).toEqual([200, 401, 401]);
    expect([await get(others.url, '/metrics'), await get(others.url, '/metrics', { authorization: `Bearer ${READ}x` }), await get(others.url, '/metrics', { authorization: `Bearer ${READ}` })]).toEqual([401, 401, 200]);
    expect(await get(others.url, '/v1/audiences', { authorization: `Bearer ${READ}` })).toBe(404);
    await Promise.all([here.close(), others.close()]);
  });
});

describe('wrong tokens', () => {
  test('make their address wait after a while, at the api; the right one is taken all the same, and others wait for nobody', async () => {
    const alone = await startApp(own.ledger, { host: '0.0.0.0', readToken: READ, operatorTokens: [{ name: null, token: OPERATE }] });
    const read = (token: string, from: string) => fetch(`${alone.url}/v1/audiences`, { headers: { authorization: `Bearer ${token}`, 'x-forwarded-for': `1.1.1.1, ${from}` } });
    const statuses: number[] = [];
    for (let attempt = 0; attempt < 32; attempt++) statuses.push((await read(`wrong-${String(attempt)}`, '203.0.113.9')).status);
    expect(statuses).toEqual([...Array<number>(30).fill(401), 429, 429]);
    const waits = await read('wrong', '203.0.113.9');
    expect(Number(waits.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await waits.text()).not.toContain(READ);
    expect([(await read(READ, '203.0.113.9')).status, (await read('wrong', '203.0.113.10')).status]).toEqual([200, 401]);
    const written = await own.database.query("select via, who, address, action, outcome from audit where action = 'wrong_token' and address = '203.0.113.10'");
    expect(written).toEqual([{ via: 'api', who: 'nobody', address: '203.0.113.10', action: 'wrong_token', outcome: 'refused' }]);
    expect(await own.database.query("select 1 from audit where audit::text like '%wrong-%'")).toEqual([]);
    await alone.close();
  });

  test('at the sign-in lock out neither another address behind the proxy, nor a browser in which somebody signed in before', async () => {
    const alone = await startApp(own.ledger, { host: '0.0.0.0', operatorTokens: [{ name: null, token: OPERATE }] });
    const visitor = (): Visitor => new Visitor(`${alone.url}/console`);
    const signIn = async (who: Visitor, token: string, from: string): Promise<number> => (await who.post('/sign-in', { token }, { headers: { 'x-forwarded-for': from } })).status;
    const known = await visitor().signIn(OPERATE);
    known.cookies.delete('headgate_session');
    const guesser = visitor();
    const statuses: number[] = [];
    for (let attempt = 0; attempt < 9; attempt++) statuses.push(await signIn(guesser, `wrong ${String(attempt)}`, '203.0.113.20'));
    expect(statuses).toEqual([...Array<number>(8).fill(401), 429]);
    // Who says to have come a longer way is still who the proxy says.
    expect(await signIn(guesser, OPERATE, '8.8.8.8, 203.0.113.20')).toBe(429);
    expect([await signIn(visitor(), OPERATE, '203.0.113.21'), await signIn(known, OPERATE, '203.0.113.20')]).toEqual([303, 303]);
    await alone.close();
  });
});
