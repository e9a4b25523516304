/**
 * Sources that share a Headgate and nothing else: each tries to reach what belongs to another, by every way in. What reading shows, and what
 * sources share that say so, stands in docs/threat-model.md.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sign } from '../../src/api/index.ts';
import { runCommand } from '../support/command.ts';
import { startService, type TestService, type WebhookAnswer } from '../support/service.ts';
import { seconds, somebody } from '../support/somebody.ts';
import { until } from '../support/until.ts';

const SECRETS = { north: 'a-signing-secret-of-north', south: 'a-signing-secret-of-south', east: 'a-signing-secret-of-east', west: 'a-signing-secret-of-west' };
type Name = keyof typeof SECRETS;
const REPORTING = 'a-reporting-secret-of-';
const [NORTH, SOUTH, EAST, WEST] = ['north_cart_7d_v1', 'south_cart_7d_v1', 'east_cart_7d_v1', 'west_cart_7d_v1'] as const;
const TOKEN = 'a-bearer-token-of-south';

/** North and south keep to themselves; east and west share their persons, and only east is limited. */
const REGISTRY = `
sources:
  north: { signing_secret: ${SECRETS.north}, reporting_secret: ${REPORTING}north, audiences: [${NORTH}], actions: [north_tool] }
  south: { signing_secret: ${SECRETS.south}, reporting_secret: ${REPORTING}south, bearer_token: ${TOKEN}, audiences: [${SOUTH}], actions: [] }
  east: { signing_secret: ${SECRETS.east}, reporting_secret: ${REPORTING}east, people: shared, audiences: [${EAST}] }
  west: { signing_secret: ${SECRETS.west}, people: shared }
destinations:
  meta_north: { platform: meta, sandbox: true, access_token: a-token-of-north, ad_account: act_1, timeout: 5s }
  meta_south: { platform: meta, sandbox: true, access_token: a-token-of-south, ad_account: act_2, timeout: 5s }
actions:
  north_tool: { kind: slack, sandbox: true, webhook_url: https://hooks.slack.com/services/T0000/B0000/north, text: "{{ customer_id }}" }
  other_tool: { kind: slack, sandbox: true, webhook_url: https://hooks.slack.com/services/T0000/B0000/other, text: "{{ customer_id }}" }
audiences:
  ${NORTH}: { description: Of north, owner: { name: North }, window: 7d, targets: { meta_north: "71" } }
  ${SOUTH}: { description: Of south, owner: { name: South }, window: 7d, targets: { meta_south: "72" } }
  ${EAST}: { description: Of east, owner: { name: East }, window: 7d }
  ${WEST}: { description: Of west, owner: { name: West }, window: 7d }
`;

let service: TestService;
beforeAll(async () => {
  service = await startService({ registry: REGISTRY });
});
afterAll(() => service.stop());

async function post(source: Name, given: Record<string, unknown>, { secret = SECRETS[source], path = '', headers = {} }: { secret?: string | null; path?: string; headers?: Record<string, string> } = {}): Promise<WebhookAnswer> {
  const own = path === '' ? { schema_version: 1, event_id: crypto.randomUUID(), event: 'cio.audience_add', audience_key: `${source}_cart_7d_v1`, timestamp: seconds() } : {};
  const body = JSON.stringify({ ...own, ...given });
  const timestamp = String(Math.floor(seconds()));
  const signature: Record<string, string> = secret === null ? {} : { 'x-cio-timestamp': timestamp, 'x-cio-signature': sign(secret, timestamp, body) };
  const response = await fetch(`${service.url}/v1/webhooks/${source}${path}`, { method: 'POST', headers: { 'content-type': 'application/json', ...signature, ...headers }, body });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

const report = (source: Name, customerId: string, eventId = crypto.randomUUID()): Promise<WebhookAnswer> =>
  post(source, { event_id: eventId, object_type: 'customer', metric: 'deleted', timestamp: Math.floor(seconds()) + 1, data: { identifiers: { id: customerId } } }, { path: '/reporting', secret: `${REPORTING}${source}` });

const membershipsOf = (customerId: string): Promise<{ people: string; audience_key: string; state: string }[]> =>
  service.database.query('select p.people, m.audience_key, m.state from persons p join memberships m using (person_id) where p.customer_id = $1 order by 1, 2', [customerId]);
const newestEntry = async (): Promise<{ id: string; source: string; row: string }> => {
  const [entry] = await service.database.query<{ id: string; source: string; row: string }>('select id, source, q::text as row from quarantine q order by id desc limit 1');
  return entry!;
};
const at = (destination: string, audience: string): string[] => service.sandbox.store.state.destinations[destination]?.audiences[audience]?.hashes ?? [];

describe("another source's door", () => {
  test.each([
    ['its signature', 'north', { secret: SECRETS.south }],
    ['its bearer token', 'north', { secret: null, headers: { authorization: `Bearer ${TOKEN}` } }],
    ['its secret of reports', 'north', { secret: `${REPORTING}south` }],
    ["north's own secret of reports", 'north', { secret: `${REPORTING}north` }],
  ] as const)('does not open by %s', async (_what, source, how) => {
    const { person } = somebody();
    expect(await post(source, person, how)).toMatchObject({ status: 401, body: { status: 'unauthorised' } });
    expect(await membershipsOf(person.customer_id)).toEqual([]);
  });
});

describe('audiences and actions of others', () => {
  test("an event about another source's audience is refused, kept in quarantine, and read like one about an audience that does not exist", async () => {
    const { person } = somebody();
    const refused = await post('south', { ...person, audience_key: NORTH });
    expect(refused).toMatchObject({ status: 422, body: { status: 'invalid', problems: [{ path: 'audience_key', message: `"${NORTH}" is not an audience that the source south may use: see its audiences in headgate.yaml` }] } });
    const missing = await post('south', { ...person, audience_key: 'nothing_v1' });
    expect(JSON.stringify(missing.body['problems'])).toBe(JSON.stringify(refused.body['problems']).replace(NORTH, 'nothing_v1'));
    for (const event of ['cio.audience_remove', 'cio.exposure']) expect((await post('south', { ...person, event, audience_key: NORTH })).status).toBe(422);
    expect(await membershipsOf(person.customer_id)).toEqual([]);
    expect((await newestEntry()).source).toBe('south');
  });

  test('nor does it come in by a correction of what is in quarantine, by the api or by the command line', async () => {
    const { person } = somebody();
    await post('south', { ...person, audience_key: 'nothing_v1' });
    const { id } = await newestEntry();
    const replay = async (set: object): Promise<WebhookAnswer> => {
      const response = await fetch(`${service.url}/v1/quarantine/${id}/replay`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ set, by: 'tests' }) });
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    };
    expect(await replay({ audience_key: NORTH })).toMatchObject({ status: 422, body: { outcome: 'invalid', problems: [{ path: 'audience_key' }] } });
    expect((await runCommand(service, REGISTRY, 'quarantine', 'replay', id, '--set', `audience_key=${NORTH}`)).status).toBe(1);
    expect(await membershipsOf(person.customer_id)).toEqual([]);
    expect(await replay({ audience_key: SOUTH })).toMatchObject({ status: 200, body: { outcome: 'replayed' } });
    expect(await membershipsOf(person.customer_id)).toEqual([{ people: 'south', audience_key: SOUTH, state: 'in' }]);
  });

  test('a forward goes to an action of its own source only', async () => {
    const forward = (source: Name, action: string) => post(source, { ...somebody().person, event: 'cio.forward', action, audience_key: undefined });
    expect(await forward('north', 'north_tool')).toMatchObject({ status: 200 });
    expect(await forward('north', 'other_tool')).toMatchObject({ status: 422, body: { problems: [{ path: 'action', message: '"other_tool" is not an action that the source north may use: see its actions in headgate.yaml' }] } });
    expect(await forward('south', 'north_tool')).toMatchObject({ status: 422, body: { problems: [{ path: 'action' }] } });
    expect(await service.database.query("select distinct action from forwards")).toEqual([{ action: 'north_tool' }]);
  });

  test('a source without limits may use everything, as before there were any', async () => {
    expect(await post('west', { ...somebody().person, audience_key: EAST })).toMatchObject({ status: 200, body: { status: 'applied' } });
    expect((await post('west', { ...somebody().person, event: 'cio.forward', action: 'other_tool', audience_key: undefined })).status).toBe(200);
  });

  test('templates are made and checked for what the source may use', async () => {
    const checked = await runCommand(service, REGISTRY, 'template', '--check', '--source', 'north', '--json');
    expect(checked.status).toBe(0);
    expect(checked.output).toContain(NORTH);
    expect(checked.output).not.toContain(SOUTH);
  });
});

describe('an event_id that another source has used', () => {
  test('tells nothing of what it was used for, and is no duplicate of it', async () => {
    const shared = crypto.randomUUID();
    const { person } = somebody();
    expect(await post('north', { ...person, event_id: shared })).toMatchObject({ status: 200, body: { status: 'applied', audience: 'in' } });
    const told = await post('south', { ...somebody().person, event_id: shared });
    expect(told).toEqual({ status: 409, body: { status: 'conflict', event_id: shared, problem: 'this event_id was already used by another source: give each webhook of a template an id of its own' } });
    expect((await newestEntry()).row).not.toContain(NORTH);
    // Even where nothing but the source is different.
    const exposure = { event: 'cio.exposure', audience_key: undefined, exposure: 'journey_entered', event_id: crypto.randomUUID() };
    expect((await post('north', { ...person, ...exposure })).body['status']).toBe('applied');
    expect((await post('south', { ...person, ...exposure })).status).toBe(409);
    expect((await post('north', { ...person, ...exposure })).body['status']).toBe('duplicate');
    // A report is kept, and answered 200, because Customer.io would stop the whole feed.
    const reported = await report('south', 'c_nobody', shared);
    expect(reported).toMatchObject({ status: 200, body: { status: 'quarantined', problems: [{ message: 'was already used by another source' }] } });
    expect(await service.database.query('select source, name from events where event_id = $1', [shared])).toEqual([{ source: 'north', name: 'cio.audience_add' }]);
    // Replayed with an id of its own, it is an event like any other.
    const [entry] = await service.database.query<{ id: string }>("select id from quarantine where event_id = $1 and event_name = 'cio.audience_add'", [shared]);
    const replay = (body: object) => fetch(`${service.url}/v1/quarantine/${entry!.id}/replay`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
    const still = (await (await replay({ by: 'tests' })).json()) as { problem: string };
    expect(still.problem).toMatch(/was already used by another source: set another event_id/);
    expect((await replay({ by: 'tests', set: { event_id: null } })).status).toBe(200);
  });
});

describe('persons', () => {
  test('of two sources that share an e-mail address and an id stay two, at the platforms too', async () => {
    const { person, hash } = somebody();
    await post('north', person);
    await post('south', person);
    expect(await membershipsOf(person.customer_id)).toEqual([{ people: 'north', audience_key: NORTH, state: 'in' }, { people: 'south', audience_key: SOUTH, state: 'in' }]);
    await until(() => [at('meta_north', '71'), at('meta_south', '72')], ([north, south]) => north!.includes(hash) && south!.includes(hash), 60_000);
    expect([at('meta_north', '72'), at('meta_south', '71')]).toEqual([[], []]);
    await post('south', { ...person, event: 'cio.audience_remove', timestamp: seconds() + 1 });
    await until(() => at('meta_south', '72'), (members) => !members.includes(hash), 60_000);
    expect(at('meta_north', '71')).toContain(hash);
    // The one by the id and the one by the address are no reason to merge either.
    const [first, second] = [somebody(), somebody()];
    await post('north', { customer_id: first.person.customer_id, email: second.person.email });
    await post('south', { customer_id: second.person.customer_id, email: second.person.email });
    expect(await service.database.query('select 1 from persons where merged_into is not null')).toEqual([]);
    const [whose] = await service.database.query<{ people: string }>("select people from persons where customer_id = $1", [second.person.customer_id]);
    expect(whose).toEqual({ people: 'south' });
  });

  test('a report takes its person out of the audiences that its source may use, and out of no other', async () => {
    const { person } = somebody();
    await post('north', person);
    await post('south', person);
    expect((await report('south', person.customer_id)).status).toBe(200);
    expect(await membershipsOf(person.customer_id)).toEqual([{ people: 'north', audience_key: NORTH, state: 'in' }, { people: 'south', audience_key: SOUTH, state: 'out' }]);
    // Also where sources say that they share their persons.
    const shared = somebody();
    await post('east', shared.person);
    await post('west', shared.person);
    await report('east', shared.person.customer_id);
    expect(await membershipsOf(shared.person.customer_id)).toEqual([{ people: 'shared', audience_key: EAST, state: 'out' }, { people: 'shared', audience_key: WEST, state: 'in' }]);
  });
});

test('an alert about an audience, a target or a destination goes to its owner and to nobody else', () => {
  const owners = (finding: object): string[] => service.parts.contacts.ownersOf(finding as never);
  expect(owners({ audienceKey: NORTH })).toEqual(['North']);
  expect(owners({ audienceKey: SOUTH, destination: 'meta_south' })).toEqual(['South']);
  expect(owners({ destination: 'meta_north' })).toEqual(['North']);
  expect(owners({ destination: 'meta_south' })).toEqual(['South']);
});
