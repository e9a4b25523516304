/** The description of the api is sent as it stands to a running service, and what comes back is held to it. */
import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeApi } from '../../src/api/openapi/document.ts';
import { DescribedApi, examplesOf, routesOf, type Route } from '../support/described-api.ts';
import type { Proxy } from '../support/proxy.ts';
import { SECRET, startWiredService, type TestService, type WiredService } from '../support/service.ts';
import { until } from '../support/until.ts';

const REPORTING_SECRET = 'a-reporting-secret-for-tests';
const TOKENS = { sourceToken: 'a-source-token-for-tests', readToken: 'a-read-token-for-tests', operatorToken: 'an-operator-token-for-tests' };
const REGISTRY = `
sources:
  demo: { signing_secret: ${SECRET}, reporting_secret: ${REPORTING_SECRET}, bearer_token: ${TOKENS.sourceToken} }
destinations:
  meta_main: { platform: meta, sandbox: true, access_token: a-token-for-tests, ad_account: act_1, timeout: 2s }
exporters:
  warehouse: { platform: bigquery, sandbox: true, project: acme-analytics, dataset: headgate, every: 200ms, timeout: 2s }
actions:
  ops_slack: { kind: slack, sandbox: true, webhook_url: https://hooks.slack.com/services/T0000/B0000/sandbox, text: "{{ customer_id }} left a cart of {{ attributes.cart_value }}" }
audiences:
  high_intent_cart_7d_v1: { description: Abandoned a cart, owner: { name: Tests }, window: 7d, targets: { meta_main: "6000000000001" } }
`;

const routes = routesOf(describeApi());
const find = (id: string): Route => routes.find(({ operation }) => operation.operationId === id)!;
/** In the order in which they are written down: what is posted changes what is read after it. */
function namesOf({ operation }: Route): string[] {
  const bodies = Object.values(operation.requestBody?.content ?? {}).flatMap(({ examples = {} }) => Object.keys(examples));
  const parameters = operation.parameters.flatMap(({ examples = {} }) => Object.keys(examples));
  const names = [...new Set([...bodies, ...parameters, ...examplesOf(operation).map(({ name }) => name)])];
  return names.length === 0 ? [''] : names;
}
const first = (route: Route): string => namesOf(route)[0] ?? '';

let wired: WiredService;
let service: TestService;
let wire: Proxy;
let api: DescribedApi;
beforeAll(async () => {
  wired = await startWiredService({ registry: REGISTRY, environment: { HEADGATE_READ_TOKEN: TOKENS.readToken, HEADGATE_OPERATOR_TOKEN: TOKENS.operatorToken } });
  ({ service, wire } = wired);
  const description = (await (await fetch(`${service.url}/openapi.json`)).json()) as ReturnType<typeof describeApi>;
  api = new DescribedApi(service.url, description, { signingSecret: (path) => (path.endsWith('/reporting') ? REPORTING_SECRET : SECRET), tokens: TOKENS });
});
afterAll(() => wired.stop());

test('it is valid OpenAPI 3.1', async () => {
  const document = (await (await fetch(`${service.url}/openapi.json`)).json()) as Record<string, unknown>;
  expect(document['openapi']).toBe('3.1.0');
  expect(await new Validator().validate(document)).toEqual({ valid: true });
});

test.each(routes.map((route) => [route.operation.operationId, route] as const))('%s: its examples fit its schemas', (_id, { operation }) => {
  for (const { name, status, body } of examplesOf(operation)) {
    for (const { schema } of Object.values(operation.responses[status]!.content)) expect({ name, wrong: api.check(schema, body) }).toEqual({ name, wrong: [] });
  }
});

describe('a running service', () => {
  test.each(routes.map((route) => [route.operation.operationId, route] as const))('%s wants the credentials that are described', async (_id, route) => {
    if (route.operation.security.length === 0) return;
    const refused = await api.send(route, { name: first(route) });
    expect(refused.status).toBe(401);
    expect(api.problemsOf(route, refused)).toEqual([]);
  });

  test('answers every example as the description says', async () => {
    await until(() => api.send(find('readExport'), { name: 'warehouse', security: 0 }), ({ status }) => status === 200, 60_000);
    for (const route of routes) {
      const { operation } = route;
      const named = new Map(examplesOf(operation).map((example) => [example.name, example]));
      for (const name of namesOf(route)) {
        const expected = named.get(name);
        const received = await api.send(route, { name, security: 0 });
        const seen = { operation: operation.operationId, name, status: received.status, wrong: api.problemsOf(route, received) };
        expect(seen, received.text).toEqual({ operation: operation.operationId, name, status: expected?.status ?? 200, wrong: [] });
        if (typeof expected?.body === 'object') expect({ name, keys: keysOf(JSON.parse(received.text)) }).toEqual({ name, keys: keysOf(expected.body) });
      }
    }
  }, 60_000);

  test('takes the other credentials of a webhook too', async () => {
    const received = await api.send(find('sendWebhook'), { name: 'duplicate', security: 1 });
    expect(received.status).toBeLessThan(300);
    expect(api.problemsOf(find('sendWebhook'), received)).toEqual([]);
  });

  test('erases as the link of its answer says, and gives a receipt that fits', async () => {
    const begun = await api.send(find('erasePerson'), { name: 'by_customer_id', security: 0, body: JSON.stringify({ customer_id: 'c_example_2', by: 'ada', anyway: true }) });
    const { parameters, operationId } = find('erasePerson').operation.responses['202']!.links!['readErasure']!;
    const [[parameter, pointer] = ['', '']] = Object.entries(parameters);
    const id = (JSON.parse(begun.text) as Record<string, string>)[pointer.replace('$response.body#/', '')]!;
    const route = find(operationId);
    const done = await until(() => api.send(route, { name: '', security: 0, parameters: { [parameter]: id } }), ({ text }) => !text.includes('"finished_at":null'), 60_000);
    expect(api.problemsOf(route, done)).toEqual([]);
    // The warehouse's stand-in changes rows only some time after they came, as BigQuery does, and nobody waits for it here.
    expect(JSON.parse(done.text)).toMatchObject({ receipt: { warehouses: { warehouse: expect.any(String) as unknown } } });
  });

  test('refuses bodies of other types, and those that are too large, as described', async () => {
    for (const route of routes) {
      if (route.operation.responses['415'] && route.operation.operationId !== 'sendReport') {
        const other = await api.send(route, { name: first(route), security: 0, type: 'text/csv', body: 'a,b' });
        expect({ id: route.operation.operationId, status: other.status, wrong: api.problemsOf(route, other) }).toEqual({ id: route.operation.operationId, status: 415, wrong: [] });
      }
      if (route.operation.responses['413']) {
        const large = await api.send(route, { name: first(route), security: 0, body: route.operation.operationId === 'importExposures' ? '{}\n'.repeat(501) : 'x'.repeat(route.operation.operationId === 'sendReport' ? 8 * 1024 * 1024 + 1 : 256 * 1024 + 1) });
        expect({ id: route.operation.operationId, status: large.status, wrong: api.problemsOf(route, large) }).toEqual({ id: route.operation.operationId, status: 413, wrong: [] });
      }
    }
  });

  test.each([
    ['readEvent', { event_id: '\0' }], ['readPeople', { customer_id: '\0' }], ['listQuarantine', { source: 'a\0b' }], ['readErasure', { id: '\0' }], ['listExposures', { after: Buffer.from('2026-02-31T00:00:00.000000Z\nx').toString('base64url') }],
  ])('%s: a value that no ledger can take is a mistake of the request, not an outage', async (id, parameters: Record<string, string>) => {
    const refused = await api.send(find(id), { name: id === 'listExposures' ? first(find(id)) : '', security: 0, parameters });
    expect({ status: refused.status, wrong: api.problemsOf(find(id), refused) }, refused.text).toEqual({ status: 400, wrong: [] });
  });

  test('queues webhooks without its ledger, and says so to readers, as described', async () => {
    wire.cut();
    const queued = await until(() => api.send(find('sendWebhook'), { name: 'cio.exposure', security: 0 }), ({ status }) => status === 202, 60_000);
    expect(api.problemsOf(find('sendWebhook'), queued)).toEqual([]);
    const reported = await api.send(find('sendReport'), { name: 'opened', security: 0 });
    expect({ status: reported.status, wrong: api.problemsOf(find('sendReport'), reported) }).toEqual({ status: 202, wrong: [] });
    for (const id of ['readEvent', 'listAudiences', 'listQuarantine', 'listExposures']) {
      const route = find(id);
      const read = await api.send(route, { name: first(route), security: 0 });
      expect({ id, status: read.status, wrong: api.problemsOf(route, read) }).toEqual({ id, status: 503, wrong: [] });
    }
    wire.mend();
    await until(() => service.parts.ledger.connection.isUp, Boolean);
  });
});

test('the page shows every operation, and runs no script', async () => {
  const response = await fetch(`${service.url}/openapi`);
  const html = await response.text();
  const policy = response.headers.get('content-security-policy') ?? '';
  expect(policy).toMatch(/^default-src 'none'; style-src 'sha256-/);
  expect(/<script|\son\w+=|https?:\/\/(?!docs\.customer\.io).{0,40}/.exec(html)).toBeNull();
  for (const { operation, path } of routes) {
    expect(html).toContain(`id="${operation.operationId}"`);
    expect(html).toContain(path);
  }
});

const keysOf = (value: unknown): string[] => (typeof value === 'object' && value !== null ? Object.keys(value).sort() : []);
