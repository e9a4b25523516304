/** The console over HTTP, on a real ledger: who may see and do what, and that nobody acts in the name of somebody else. */
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { targetKey, type TargetRef } from '../../src/domain/registry.ts';
import { sha256 } from '../../src/destinations/user-data.ts';
import { CART, CROSS_SELL, makeEvent, makePolicies, person as somebody } from '../support/events.ts';
import { holdWave } from '../support/held-wave.ts';
import { startConsole, Visitor, type TestConsole } from '../support/console.ts';
import { startLedger, type TestLedger } from '../support/ledger.ts';

const READ = 'a-read-token';
const OPERATE = 'an-operator-token';
const HOSTILE = '"><script>alert(1)</script>';

/** Targets that were to be pushed. */
const wakened: string[] = [];
let own: TestLedger;
/** With both tokens; on loopback without any; for others without any. */
let guarded: TestConsole;
let open: TestConsole;
let shut: TestConsole;
let event: ReturnType<typeof makeEvent>;
let personId: string;
let forwarded: ReturnType<typeof makeEvent>;
const HELD = { destination: 'meta_main', audienceKey: CROSS_SELL };

beforeAll(async () => {
  own = await startLedger();
  event = makeEvent({ context: { campaign_name: HOSTILE } });
  await own.ledger.applyEvents([{ kind: 'event', event }]);
  await own.ledger.quarantine(Array.from({ length: 3 }, (_, index) => ({
    source: 'demo', people: 'demo', reason: 'invalid' as const, eventName: HOSTILE, audienceKey: HOSTILE, eventId: HOSTILE, receivedAt: Date.now() - index, problems: [{ path: HOSTILE, message: HOSTILE }],
    body: JSON.stringify({ schema_version: 1, event_id: `kept-${String(index)}`, event: 'cio.audience_add', audience_key: CART, timestamp: 'never', customer_id: HOSTILE }), parts: [],
  })));
  const [person] = await own.ledger.readPersons({ kind: 'customer_id', value: 'c_1' }, 0);
  personId = person?.person_id ?? '';
  await own.database.query("insert into alerts (rule, subject, level, finding, owners, seen_at, last_seen_at, level_since, raised_at) values ('sync_stuck', $1, 'critical', $2, $3, now(), now(), now(), now())",
    ['meta_main', { rule: 'sync_stuck', subject: 'meta_main', level: 'critical', what: HOSTILE, since: null, stillTargeted: 2, cure: HOSTILE }, [HOSTILE]]);
  forwarded = makeEvent({ ...somebody('forwarded'), name: 'cio.forward', action: 'ops_slack' });
  delete forwarded.audienceKey;
  await own.ledger.applyEvents([forwarded, makeEvent({ ...somebody('held'), audienceKey: CROSS_SELL })].map((one) => ({ kind: 'event', event: one })));
  await own.ledger.openAction('ops_slack');
  await own.ledger.takeForwards('ops_slack', { ordered: false, limit: 1, claimMs: 60_000 });
  await own.ledger.settleForward(forwarded.eventId, 'refused', { status: 400, answer: HOSTILE, reason: HOSTILE });
  await holdWave(own.database, own.ledger, HELD, HOSTILE);
  const policies = { ...makePolicies(), actions: new Map([['ops_slack', { name: 'ops_slack', kind: 'slack', mode: 'live' as const, testProfiles: [], ordered: false }]]) };
  const pushed = (wakes: readonly TargetRef[]): void => { wakened.push(...wakes.map(targetKey)); };
  guarded = await startConsole(own.ledger, { host: '0.0.0.0', readToken: READ, operatorTokens: [{ name: null, token: OPERATE }], policies, onCommitted: pushed });
  open = await startConsole(own.ledger);
  shut = await startConsole(own.ledger, { host: '0.0.0.0' });
});
afterAll(async () => {
  for (const console of [guarded, open, shut]) await console.close();
  await own.stop();
});

const visitor = (): Visitor => new Visitor(guarded.url);

describe('who may see and do what', () => {
  /** Method, path, and the status for nobody, a reader and an operator. */
  const ROUTES: [method: string, path: () => string, nobody: number, reader: number, operator: number, fields?: Record<string, string>][] = [
    ['GET', () => '/', 401, 200, 200],
    ['GET', () => `/audiences/${CART}`, 401, 200, 200],
    ['GET', () => '/audiences/nothing_1d_v1', 401, 404, 404],
    ['GET', () => '/people', 401, 200, 200],
    ['GET', () => `/people/${personId}`, 401, 200, 200],
    ['GET', () => '/people/p_nobody', 401, 404, 404],
    ['GET', () => `/events/${event.eventId}`, 401, 200, 200],
    ['GET', () => '/events/nothing', 401, 404, 404],
    ['GET', () => '/quarantine', 401, 200, 200],
    ['GET', () => '/quarantine/1', 401, 200, 200],
    ['GET', () => '/quarantine/999', 401, 404, 404],
    ['GET', () => '/quarantine/x', 401, 404, 404],
    // A NUL character is nothing that a ledger could be asked for, and no outage.
    ['GET', () => '/events/%00', 401, 400, 400],
    ['GET', () => '/live', 401, 200, 200],
    ['GET', () => '/try', 401, 200, 200],
    ['GET', () => '/alerts', 401, 200, 200],
    ['GET', () => `/audiences/${CROSS_SELL}`, 401, 200, 200],
    ['GET', () => `/events/${forwarded.eventId}`, 401, 200, 200],
    ['GET', () => '/actions', 401, 200, 200],
    ['GET', () => '/runbook', 200, 200, 200],
    ['GET', () => '/no-such-page', 401, 404, 404],
    ['GET', () => '/sign-in', 200, 200, 200],
    ['GET', () => '/assets/console.css', 200, 200, 200],
    ['GET', () => '/assets/..%2findex.ts', 401, 404, 404],
    ['POST', () => '/people', 401, 303, 303, { kind: 'customer_id', value: 'c_1' }],
    ['POST', () => '/try', 401, 200, 200, { source: 'demo', body: '{}' }],
    ['POST', () => '/try/check', 401, 200, 200, { source: 'demo', body: '{}' }],
    ['POST', () => '/try/send', 401, 403, 200, { source: 'demo', body: '{}' }],
    ['POST', () => `/targets/meta_main/${CART}/pause`, 401, 403, 303],
    ['POST', () => `/targets/meta_main/${CART}/resume`, 401, 403, 303],
    ['POST', () => `/targets/meta_main/${CART}/pushNow`, 401, 403, 303],
    ['POST', () => `/targets/meta_main/${CART}/retry`, 401, 403, 303],
    ['POST', () => `/targets/meta_main/${CART}/constructor`, 401, 403, 404],
    ['POST', () => '/targets/meta_main/nothing_1d_v1/pause', 401, 403, 404],
    ['POST', () => `/targets/meta_main/${CART}/release`, 401, 403, 404, { what: 'everything' }],
    ['POST', () => `/targets/meta_main/${CART}/release`, 401, 403, 303, { what: 'adds' }],
    ['POST', () => '/targets/meta_main/nothing_1d_v1/release', 401, 403, 404, { what: 'adds' }],
    ['POST', () => '/quarantine/1/try', 401, 403, 422],
    ['POST', () => '/quarantine/1/replay', 401, 403, 422],
    ['POST', () => '/quarantine/3/discard', 401, 403, 303, { because: 'a test' }],
    ['POST', () => '/alerts/1/acknowledge', 401, 403, 303],
    ['POST', () => '/alerts/mute', 401, 403, 303, { rule: 'sync_stuck', subject: 'meta_main', for: '1h' }],
  ];
  let people: { nobody: Visitor; reader: Visitor; operator: Visitor };
  beforeAll(async () => {
    people = { nobody: visitor(), reader: await visitor().signIn(READ), operator: await visitor().signIn(OPERATE) };
  });

  test.each(ROUTES)('%s %s', async (method, path, nobody, reader, operator, fields) => {
    const seen: number[] = [];
    for (const who of [people.nobody, people.reader, people.operator]) seen.push((method === 'GET' ? await who.get(path()) : await who.post(path(), fields)).status);
    expect(seen).toEqual([nobody, reader, operator]);
  });

  test('what was only tried has changed nothing', () => {
    expect(guarded.asked).toEqual(['pause', 'resume', 'push', 'retry'].map((action) => `${action} meta_main/${CART}`));
    expect(guarded.sent).toEqual([]);
  });

  test('no page lets a script of a webhook through', async () => {
    for (const [method, path] of ROUTES) {
      if (method !== 'GET' || path().startsWith('/assets')) continue;
      const page = await (await people.operator.get(path())).text();
      expect(page.match(/<script[^>]*>/g)).toEqual([expect.stringMatching(/^<script src="\/console\/assets\/console\.js\?v=\w+" defer>$/)]);
      expect(page).not.toMatch(/\son\w+=|\sstyle=|<style/);
    }
  });

  test('every answer carries the policy, pages are kept by nobody', async () => {
    for (const [method, path] of ROUTES) {
      if (method !== 'GET') continue;
      for (const who of [people.nobody, people.operator]) {
        const { headers } = await who.get(path());
        expect(headers.get('content-security-policy')).toBe("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'");
        expect(headers.get('x-content-type-options')).toBe('nosniff');
        expect(headers.get('referrer-policy')).toBe('same-origin');
        expect(headers.get('cache-control')).toBe(path().endsWith('console.css') ? 'no-cache' : 'no-store');
      }
    }
  });
});

describe('signing in', () => {
  test('sets a cookie that no script reads and no other site sends, and that https alone carries', async () => {
    const response = await visitor().post('/sign-in', { token: OPERATE, name: 'Grace', next: '/console/live?status=invalid' });
    expect([response.status, response.headers.get('location')]).toEqual([303, '/console/live?status=invalid']);
    const [cookie = ''] = response.headers.getSetCookie();
    expect(cookie).toMatch(/^headgate_session=[\w.-]+; Path=\/console; Max-Age=36000; HttpOnly; SameSite=Strict$/);
    expect(cookie).not.toContain(OPERATE);
    const secure = await visitor().post('/sign-in', { token: OPERATE }, { headers: { 'x-forwarded-proto': 'https' } });
    expect(secure.headers.getSetCookie()[0]).toMatch(/; Secure$/);
  });

  test('signing out ends it', async () => {
    const who = await visitor().signIn(OPERATE);
    expect(await (await who.get('/')).text()).toContain('Grace (operator)');
    expect((await who.post('/sign-out', {}, { from: '/' })).status).toBe(303);
    expect((await who.get('/')).status).toBe(401);
  });

  test('a wrong token is refused, and after some the address waits', async () => {
    const alone = await startConsole(own.ledger, { host: '0.0.0.0', operatorTokens: [{ name: null, token: OPERATE }] });
    const who = new Visitor(alone.url);
    const statuses: number[] = [];
    for (let attempt = 0; attempt < 9; attempt++) statuses.push((await who.post('/sign-in', { token: `wrong ${String(attempt)}` })).status);
    expect(statuses).toEqual([401, 401, 401, 401, 401, 401, 401, 401, 429]);
    const right = await who.post('/sign-in', { token: OPERATE });
    expect([right.status, Number(right.headers.get('retry-after')) > 0]).toEqual([429, true]);
    await alone.close();
  });

  test('a changed cookie is none', async () => {
    const who = await visitor().signIn(READ);
    const [body = '', signature = ''] = (who.cookies.get('headgate_session') ?? '').split('.');
    const said = JSON.parse(Buffer.from(body, 'base64url').toString()) as { value: { role: string } };
    said.value.role = 'operator';
    who.cookies.set('headgate_session', `${Buffer.from(JSON.stringify(said)).toString('base64url')}.${signature}`);
    expect((await who.get('/')).status).toBe(401);
  });

  test('programs read with the read token, and operate nothing with it', async () => {
    expect((await visitor().get('/', { authorization: `Bearer ${READ}` })).status).toBe(200);
    expect((await visitor().get('/', { authorization: `Bearer ${OPERATE}x` })).status).toBe(401);
  });

  test('an api on loopback without tokens is open to read, and to operate from here once one has signed in', async () => {
    const who = new Visitor(open.url);
    expect((await who.get('/')).status).toBe(200);
    expect((await who.post(`/targets/meta_main/${CART}/pause`)).status).toBe(403);
    await who.signIn('');
    expect((await who.post(`/targets/meta_main/${CART}/pause`)).status).toBe(303);
    // A proxy speaks for others.
    expect((await who.post(`/targets/meta_main/${CART}/pause`, {}, { headers: { 'x-forwarded-for': '203.0.113.7' } })).status).toBe(401);
    expect((await who.get('/', { 'x-forwarded-for': '203.0.113.7' })).status).toBe(401);
    expect((await new Visitor(open.url).post('/sign-in', { token: '' }, { headers: { 'x-forwarded-for': '203.0.113.7' } })).status).toBe(401);
  });

  test('an api that others reach and that has no tokens lets nobody in, and says why', async () => {
    const response = await new Visitor(shut.url).get('/');
    expect(response.status).toBe(401);
    expect(await response.text()).toContain('HEADGATE_READ_TOKEN');
    expect((await new Visitor(shut.url).post('/sign-in', { token: '' })).status).toBe(403);
  });
});

describe('a page of another site', () => {
  const PAUSE = `/targets/meta_main/${CART}/pause`;
  let who: Visitor;
  let formToken: string;
  beforeAll(async () => {
    who = await visitor().signIn(OPERATE);
    formToken = await who.formToken('/');
  });

  test.each<[what: string, status: number, headers: Record<string, string>, token?: string]>([
    ['its own form', 303, {}],
    ['its own form behind a proxy that has another name', 303, { origin: 'https://headgate.example.com', 'x-forwarded-host': 'headgate.example.com' }],
    ['a browser that does not say where from, but its origin', 303, { 'sec-fetch-site': '' }],
    ['another site', 403, { origin: 'https://elsewhere.example.com', 'sec-fetch-site': 'cross-site' }],
    ['another site, in an old browser', 403, { origin: 'https://elsewhere.example.com', 'sec-fetch-site': '' }],
    ['another site of the same domain', 403, { 'sec-fetch-site': 'same-site' }],
    ['a frame without an origin', 403, { origin: 'null' }],
    ['a form without the token', 403, {}, ''],
    ['a form with the token of another session', 403, {}, 'x'.repeat(43)],
  ])('%s: %d', async (_what, status, headers, token) => {
    const given = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== ''));
    const leftOut = headers['sec-fetch-site'] === '' ? { 'sec-fetch-site': undefined as unknown as string } : {};
    const before = guarded.asked.length;
    const all = { ...leftOut, ...given };
    const response = await who.post(PAUSE, {}, { headers: Object.fromEntries(Object.entries(all).filter(([, value]) => typeof value === 'string')), formToken: token ?? formToken });
    expect(response.status).toBe(status);
    expect(guarded.asked.length - before).toBe(status === 303 ? 1 : 0);
  });

  test('the token of a visitor who has not signed in is of no use', async () => {
    expect((await who.post(PAUSE, {}, { formToken: await visitor().formToken() })).status).toBe(403);
  });

  test('its links into the runbook lead there at once, so that the browser keeps the section; nobody is asked who they are, and no cookie is replaced', async () => {
    const asked = request(`${guarded.url}/runbook`, { headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' } }).end();
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    expect(await text(response)).toContain('<h2 id="target_stuck">');
    expect([response.statusCode, response.headers['set-cookie']]).toEqual([200, undefined]);
  });

  test('its links lead to the page all the same: the browser asks once more, with the cookie', async () => {
    // `fetch` says of itself that it does not navigate.
    const asked = request(`${guarded.url}/quarantine?state=all`, { headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' } }).end();
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    expect(await text(response)).toContain('<meta http-equiv="refresh" content="0;url=/console/quarantine?state=all">');
    expect(response.headers['set-cookie']).toBeUndefined();
  });
});

describe('doing things', () => {
  let who: Visitor;
  beforeAll(async () => {
    who = await visitor().signIn(OPERATE);
  });

  test('an e-mail address leads to its person and stands in no address', async () => {
    const response = await who.post('/people', { kind: 'email', value: ' Ada@Example.com ' });
    expect([response.status, response.headers.get('location')]).toEqual([303, `/console/people/${personId}`]);
    const page = await (await who.get(`/people/${personId}`)).text();
    expect(page).toContain(sha256('ada@example.com').slice(0, 12));
    expect(page).toContain('entered');
    expect((await who.post('/people', { kind: 'email', value: 'nobody@example.com' })).status).toBe(404);
    expect(await (await who.post('/people', { kind: 'email', value: 'no address' })).text()).toContain('This is not an e-mail address.');
  });

  test('checking says what the door would say, with hashes only, and keeps nothing', async () => {
    const [before] = await own.database.query<{ n: number }>('select (select count(*) from events)::int + (select count(*) from quarantine)::int as n');
    const check = async (body: object): Promise<string> => (await who.post('/try/check', { source: 'demo', body: JSON.stringify(body) })).text();
    const good = { schema_version: 1, event_id: 'tried', event: 'cio.audience_add', audience_key: CART, timestamp: Date.now() / 1_000, email: 'grace@example.com' };
    const verdict = await check(good);
    expect(verdict).toContain('It would be taken');
    expect(verdict).toContain(sha256('grace@example.com').slice(0, 12));
    expect(verdict).not.toContain('grace@example.com');
    expect(await check({ ...good, event_id: event.eventId })).toContain('This event is known already');
    expect(await check({ ...good, event_id: event.eventId, event: 'cio.exposure' })).toContain('the answer would be 409');
    expect(await check({ ...good, audience_key: HOSTILE })).toContain('audience_key');
    expect(await check({ ...good, audience_key: HOSTILE })).not.toContain('<script>');
    expect(await own.database.query('select (select count(*) from events)::int + (select count(*) from quarantine)::int as n')).toEqual([before]);
  });

  test('a test event is one, whatever its id', async () => {
    const body = { schema_version: 1, event_id: 'an-id', event: 'cio.audience_add', audience_key: CART, timestamp: Date.now() / 1_000, customer_id: 'c_9' };
    expect(await (await who.post('/try/send', { source: 'demo', body: JSON.stringify(body) })).text()).toContain('Taken as a test');
    expect(guarded.sent.at(-1)).toMatchObject({ test: true, source: 'demo' });
    expect(guarded.sent.at(-1)?.eventId).toMatch(/^test~/);
  });

  test('a quarantined body is corrected, tried and replayed once, with who did it and why', async () => {
    const body = JSON.stringify({ schema_version: 1, event_id: 'kept-1', event: 'cio.audience_add', audience_key: CART, timestamp: Date.now() / 1_000, customer_id: 'c_replayed' });
    expect(await (await who.post('/quarantine/2/try', { body })).text()).toContain('It would be replayed as event kept-1.');
    expect((await who.post('/quarantine/2/replay', { body: '{' })).status).toBe(422);
    expect((await who.post('/quarantine/2/replay', { body, because: 'for ada@example.com' })).status).toBe(303);
    const page = await (await who.get('/quarantine/2')).text();
    expect(page).toContain('Replayed: applied, as event kept-1.');
    expect(await (await who.get('/quarantine/2')).text()).not.toContain('Replayed: applied, as event');
    const [row] = await own.database.query<{ resolution: string; resolved_by: string; resolved_because: string }>('select resolution, resolved_by, resolved_because from quarantine where id = 2');
    expect(row).toEqual({ resolution: 'replayed: applied', resolved_by: 'Grace', resolved_because: `for sha256:${sha256('ada@example.com')}` });
    expect(await (await who.post('/quarantine/2/replay', { body })).text()).toContain('somebody else is replaying or discarding it right now, or has done so');
  });

  test('discarding needs a reason', async () => {
    expect((await who.post('/quarantine/1/discard', { because: ' ' })).status).toBe(422);
    expect((await own.ledger.readQuarantined(1))?.resolved).toBeNull();
  });

  test('an alert is looked after and muted by name', async () => {
    expect(await own.database.query('select acknowledged_by from alerts')).toEqual([{ acknowledged_by: 'Grace' }]);
    expect(await own.database.query('select rule, subject, by_whom from mutes')).toEqual([{ rule: 'sync_stuck', subject: 'meta_main', by_whom: 'Grace' }]);
    expect(await (await who.get('/alerts')).text()).toContain('2 people are still targeted who should not be');
    await who.post('/alerts/mute', { rule: 'sync_stuck', subject: 'meta_main', for: '99y' });
    expect(await (await who.get('/alerts')).text()).toContain('say for how long');
  });

  test('an audience shows what is held, sizes that have parted and what it costs; an operator releases, by name', async () => {
    const path = `/audiences/${CROSS_SELL}`;
    const text = await (await who.get(path)).text();
    for (const part of ['4100 would come into an audience of 1000', 'They wait until somebody releases them', '9,000 to 9,500', '2 readings in a row', 'prices: { currency: USD']) expect(text).toContain(part);
    expect(await (await (await visitor().signIn(READ)).get(path)).text()).not.toContain('/release');
    expect(await (await who.get('/')).text()).toContain('1 add held');
    wakened.length = 0;
    const answer = await who.post(`/targets/meta_main/${CROSS_SELL}/release`, { what: 'adds', because: 'a launch, says ada@example.com' });
    expect([answer.status, answer.headers.get('location')]).toEqual([303, `/console${path}`]);
    const after = await (await who.get(path)).text();
    expect(after).toContain(`Released: 1 add to meta_main/${CROSS_SELL}, pushed now.`);
    expect(after).not.toContain('/release');
    expect(wakened).toEqual([targetKey(HELD)]);
    expect(await own.database.query('select ended_by, ended_because, let_go from guard_holds')).toEqual([{ ended_by: 'Grace', ended_because: `a launch, says sha256:${sha256('ada@example.com')}`, let_go: 1 }]);
    await who.post(`/targets/meta_main/${CROSS_SELL}/release`, { what: 'adds' });
    expect(await (await who.get(path)).text()).toContain('the guard holds no adds at');
  });

  test('an event shows what its action answered, and the actions how many were refused and why', async () => {
    const page = await (await who.get(`/events/${forwarded.eventId}`)).text();
    expect(page).toContain('HTTP 400');
    expect(page).toContain('<pre tabindex="0" aria-label="Its answer">&quot;&gt;&lt;script&gt;');
    expect(page).not.toContain('At each platform');
    const list = await (await who.get('/actions')).text();
    expect(list).toContain('1<br><span class="quiet">&quot;&gt;&lt;script&gt;');
  });

  test('a ledger that is away is said, and ends no process', async () => {
    const away = await startLedger();
    await away.ledger.close();
    const console = await startConsole(away.ledger);
    const response = await new Visitor(console.url).get('/');
    expect([response.status, (await response.text()).includes('Not available right now')]).toEqual([503, true]);
    await console.close();
    await away.stop().catch(() => undefined);
  });
});
