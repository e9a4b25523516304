/** The door over HTTP: who may post, what is refused, and what nobody may read. */
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { sign } from '../../src/api/index.ts';
import { postWebhook, SECRET, startService, type TestService } from '../support/service.ts';
import { seconds, somebody } from '../support/somebody.ts';

let service: TestService;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.stop());

const now = (): string => String(Math.floor(seconds()));
const good = (): string => JSON.stringify({ schema_version: 1, event_id: crypto.randomUUID(), event: 'cio.audience_add', audience_key: 'high_intent_cart_7d_v1', ...somebody().person });

async function send(body: string, headers: Record<string, string>, path = '/v1/webhooks/demo'): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`${service.url}${path}`, { method: 'POST', headers, body });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}
const signed = (body: string, timestamp = now(), secret = SECRET): Record<string, string> => ({
  'content-type': 'application/json',
  'x-cio-timestamp': timestamp,
  'x-cio-signature': sign(secret, timestamp, body),
});

describe('who may post', () => {
  test.each([
    ['no signature', { 'content-type': 'application/json' }],
    ['a signature that is too short (which made others answer 500)', { 'content-type': 'application/json', 'x-cio-timestamp': now(), 'x-cio-signature': 'abc' }],
    ['another secret', signed(good(), now(), 'not-the-secret')],
    ['an old timestamp', signed(good(), String(Number(now()) - 5 * 3_600))],
    ['no timestamp', { 'content-type': 'application/json', 'x-cio-signature': sign(SECRET, '', good()) }],
  ])('%s is 401, and nothing is kept', async (_why, headers) => {
    expect(await send(good(), headers)).toMatchObject({ status: 401, body: { status: 'unauthorised', problem: expect.any(String) as string } });
  });

  test('an unknown source is 404', async () => {
    const body = good();
    expect(await send(body, signed(body), '/v1/webhooks/nobody')).toMatchObject({ status: 404 });
  });

  test('a body that was changed on the way is 401', async () => {
    expect(await send(`${good()} `, signed(good()))).toMatchObject({ status: 401 });
  });

  test('a body in UTF-8 is signed by its bytes', async () => {
    const body = JSON.stringify({ ...(JSON.parse(good()) as object), context: { campaign_name: 'Grüße 🎁' } });
    expect(await send(body, signed(body))).toMatchObject({ status: 200 });
  });
});

describe('what is refused', () => {
  test('a signed body that is not JSON is 422 and kept in quarantine, without the e-mail that stands in it', async () => {
    const body = '{"event": "cio.audience_add", "email": "broken@example.com", "note": "a "quote" too many"}';
    expect(await send(body, signed(body))).toMatchObject({ status: 422, body: { status: 'invalid' } });
    const [kept] = await service.database.query<{ body: string }>("select body from quarantine where body like '%too many%'");
    expect(kept?.body).not.toContain('broken@example.com');
  });

  test('every mistake of a body is listed at once, with its path', async () => {
    const answer = await service.post({ event: 'cio.audience_ad', audience_key: 'nope_v1', timestamp: 'yesterday', event_id: 'a/b' });
    expect(answer.status).toBe(422);
    const paths = (answer.body['problems'] as { path: string }[]).map((problem) => problem.path);
    expect(paths.sort()).toEqual(['audience_key', 'customer_id', 'event', 'event_id', 'timestamp']);
  });

  test('a bad event does not harm its neighbours in the same commit', async () => {
    const bodies = Array.from({ length: 20 }, (_, index) => ({ ...somebody().person, ...(index % 4 === 0 ? { audience_key: 'nope_v1' } : {}) }));
    const answers = await Promise.all(bodies.map((body) => service.post(body)));
    expect(answers.map(({ status }) => status)).toEqual(bodies.map((_, index) => (index % 4 === 0 ? 422 : 200)));
  });

  test('unknown extra fields are neither refused nor kept', async () => {
    const answer = await service.post({ ...somebody().person, event_id: 'with-extras', nickname: 'Ada Unknown', __proto__: { polluted: true } });
    expect(answer).toMatchObject({ status: 200, body: { status: 'applied' } });
    expect(JSON.stringify(await service.database.query("select payload from outbox where event_id = 'with-extras'"))).not.toContain('Ada Unknown');
  });

  test('a body that is too large is 413', async () => {
    const body = JSON.stringify({ attributes: { filling: 'x'.repeat(300_000) } });
    expect(await send(body, signed(body))).toMatchObject({ status: 413, body: { problem: expect.stringContaining('256 KiB') as string } });
  });

  test.each(['text/xml', 'application/x-www-form-urlencoded', 'multipart/form-data'])('%s is 415', async (type) => {
    const body = good();
    expect(await send(body, { ...signed(body), 'content-type': type })).toMatchObject({ status: 415 });
  });

  test('a body without a content type counts as JSON', async () => {
    const body = good();
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const headers = { ...signed(body), 'content-length': Buffer.byteLength(body) };
      const bare = Object.fromEntries(Object.entries(headers).filter(([name]) => name !== 'content-type'));
      request(`${service.url}/v1/webhooks/demo`, { method: 'POST', headers: bare }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on('error', reject)
        .end(body);
    });
    expect(status).toBe(200);
  });

  test('GET is 405 and names POST', async () => {
    const response = await fetch(`${service.url}/v1/webhooks/demo`);
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST']);
  });
});

test("a test send of Customer.io ('unsent') is answered, kept for a look, and reaches no platform", async () => {
  const { person } = somebody();
  const answer = await service.post({ ...person, event_id: 'unsent' });
  expect(answer).toMatchObject({ status: 200, body: { status: 'test', event_id: 'unsent' } });
  expect(await service.post({ ...person, event_id: 'unsent' })).toMatchObject({ body: { status: 'test' } });
  expect(await service.database.query("select 1 from events where status = 'test'")).toHaveLength(2);
  expect(await service.database.query('select 1 from persons where customer_id = $1', [person.customer_id])).toEqual([]);
});

test('an event far in the future is clamped to now, and says so', async () => {
  const id = crypto.randomUUID();
  const answer = await service.post({ ...somebody().person, event_id: id, timestamp: seconds() + 86_400 });
  expect(Date.parse(String(answer.body['until'])) / 1_000).toBeLessThan(seconds() + 7 * 86_400 + 5);
  const event = await service.read(`/v1/events/${id}`);
  expect(Date.parse(String(event.body['claimed_at']))).toBeGreaterThan(Date.now() + 80_000_000);
});

test('consent that was denied is a removal, also in an add', async () => {
  const { person } = somebody();
  await service.post({ ...person, timestamp: seconds() - 5 });
  const answer = await service.post({ ...person, consent: { ad_user_data: 'denied' } });
  expect(answer.body).toMatchObject({ status: 'applied', audience: 'out' });
});

describe('reading', () => {
  test('an event, a person by each identifier, the audiences', async () => {
    const { person, hash } = somebody();
    const id = crypto.randomUUID();
    await service.post({ ...person, cio_id: 'd9c106', event_id: id, context: { campaign_name: 'Cart' } });
    expect((await service.read(`/v1/events/${id}`)).body).toMatchObject({
      event_id: id,
      status: 'applied',
      context: { campaign_name: 'Cart' },
      membership: { state: 'in', reason: 'added' },
      deliveries: [{ destination: 'meta_main', wanted: 'in' }],
    });
    for (const query of [`customer_id=${person.customer_id}`, `email=${person.email.toUpperCase()}`, 'cio_id=d9c106']) {
      const { body } = await service.read(`/v1/people?${query}`);
      expect(body).toMatchObject({ people: [{ customer_id: person.customer_id, email_hashes: [hash], memberships: [{ state: 'in' }], events: [{ event_id: id }] }] });
    }
    expect((await service.read('/v1/audiences')).body).toMatchObject({ audiences: [{ audience_key: 'high_intent_cart_7d_v1', window: '7d' }, {}] });
    expect((await service.read('/v1/audiences/high_intent_cart_7d_v1')).body).toMatchObject({ owner: { name: 'Tests' }, targets: [{ destination: 'meta_main' }] });
  });

  test('what is not there is 404 in a sentence', async () => {
    for (const path of ['/v1/events/nope', '/v1/people?customer_id=nope', '/v1/audiences/nope_v1', '/nope']) {
      expect(await service.read(path)).toMatchObject({ status: 404, body: { problem: expect.any(String) as string } });
    }
    expect((await service.read('/v1/people')).status).toBe(400);
  });

  test('health, readiness and metrics', async () => {
    expect(await service.read('/healthz')).toMatchObject({ status: 200, body: { status: 'ok', version: packageJson.version } });
    expect(await service.read('/readyz')).toMatchObject({ status: 200, body: { ledger: true, temporal: true } });
    const metrics = await (await fetch(`${service.url}/metrics`)).text();
    expect(metrics).toMatch(/^headgate_webhook_answers_total\{source="demo",status="applied"\} \d+$/m);
    expect(metrics).toContain('headgate_outbox_waiting');
  });
});

test('both secrets of a rotation are accepted, and a bearer token', async () => {
  const rotating = await startService({
    registry: `
sources:
  demo: { signing_secret: [the-old-secret, the-new-secret], bearer_token: a-bearer-token }
destinations:
  meta_main: { platform: meta, sandbox: true, access_token: a-token-for-tests, ad_account: act_1 }
audiences:
  high_intent_cart_7d_v1: { description: x, owner: { name: x }, window: 7d, targets: { meta_main: "1" } }
`,
  });
  const person = { email: 'rotation@example.com' };
  expect((await postWebhook(rotating.url, person, 'the-old-secret')).status).toBe(200);
  expect((await postWebhook(rotating.url, person, 'the-new-secret')).status).toBe(200);
  expect((await postWebhook(rotating.url, person, 'another-secret')).status).toBe(401);
  const byToken = (token: string) =>
    fetch(`${rotating.url}/v1/webhooks/demo`, { method: 'POST', headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` }, body: good() });
  expect((await byToken('a-bearer-token')).status).toBe(200);
  expect((await byToken('another-token')).status).toBe(401);
  await rotating.stop();
});

