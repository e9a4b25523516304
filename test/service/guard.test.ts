/** The guard, sizes and cost in the whole service, as an operator meets them. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { judgeDrift } from '../../src/domain/drift.ts';
import { runCommand, type CommandResult } from '../support/command.ts';
import { CART_AT_META, REGISTRY, startService, type TestService } from '../support/service.ts';
import { seconds, somebody, type Somebody } from '../support/somebody.ts';
import { until } from '../support/until.ts';

const CART = 'high_intent_cart_7d_v1';
const GUARDED = `${REGISTRY}
guard: { least: 12, singles: 1 }
prices: { currency: USD, temporal_per_million_actions: 50, platform_per_thousand_calls: 1 }
`;
const PEOPLE = 30;
/** Of a wave, one a minute goes. */
const SINGLES = 5;

let service: TestService;
beforeAll(async () => {
  service = await startService({ registry: GUARDED });
});
afterAll(() => service.stop());

const headgate = (...args: string[]): Promise<CommandResult> => runCommand(service, GUARDED, ...args);
const members = (): string[] => service.members(CART_AT_META);
const send = (who: Somebody, more: Record<string, unknown>) => service.post({ ...who.person, context: { campaign_id: 7 }, ...more });
const removeAll = (people: readonly Somebody[]) => Promise.all(people.map((who) => send(who, { event: 'cio.audience_remove', timestamp: seconds() })));
const target = async (): Promise<Record<string, unknown>> => ((await service.read(`/v1/audiences/${CART}`)).body['targets'] as Record<string, unknown>[])[0]!;
const detailsOf = async (): Promise<string> =>
  (await service.client.workflow.getHandle(`headgate/sync/meta_main/${CART}`).query<{ currentDetails?: string }>('__temporal_workflow_metadata')).currentDetails ?? '';

test('a wave of removals is held, everybody is told what to do, a buyer goes meanwhile, and a release lets it go', async () => {
  const people = Array.from({ length: PEOPLE }, somebody);
  await Promise.all(people.map((who) => send(who, { timestamp: seconds() - 60 })));
  await until(members, (now) => now.length === PEOPLE);
  await removeAll(people.slice(0, 25));
  await until(target, ({ guard, pending_removes: pending }) => pending === 0 && (guard as { held: number }[])[0]?.held !== undefined);
  // Between two looks some of the wave may go as long as it is small.
  const held = (await target())['guard'] as { held: number; because: string; release: string }[];
  expect(held[0]!.held).toBeGreaterThanOrEqual(25 - 15 - SINGLES);
  expect(held).toMatchObject([{ operation: 'remove', release: `npx headgate release ${CART} --destination meta_main --removals`, let_go_at: expect.any(String) as string }]);
  expect(await until(detailsOf, (said) => said.includes('Held by the guard'))).toContain(`npx headgate release ${CART} --destination meta_main`);
  expect((await (await fetch(`${service.url}/metrics`)).text())).toMatch(/headgate_guard_held\{destination="meta_main",audience="high_intent_cart_7d_v1",operation="remove"\} \d+/);

  const buyer = people[29]!;
  await service.post({ ...buyer.person, audience_key: 'post_purchase_cross_sell_14d_v1' });
  await until(members, (now) => !now.includes(buyer.hash));
  expect(((await target())['guard'] as { held: number }[])[0]!.held).toBe(held[0]!.held);

  expect((await headgate('release')).output).toContain(held[0]!.because);
  expect((await headgate('audience', CART)).output).toContain('held by the guard since');
  const released = await headgate('release', CART, '--removals', '--because', 'meant');
  expect(released).toMatchObject({ status: 0, output: `meta_main: ${String(held[0]!.held)} removals are pushed now.\n` });
  await until(members, (now) => now.length === PEOPLE - 26);
  expect(await service.read('/v1/guard')).toMatchObject({ body: { held: [] } });
  expect((await headgate('release', CART)).output).toBe(`The guard holds nothing of ${CART}.\n`);
  expect(await service.database.query('select ended_because, let_go from guard_holds')).toEqual([{ ended_because: 'meant', let_go: held[0]!.held }]);
});

test('sizes are read, judged twice before they are called drift, and shown with the two clocks and the cost', async () => {
  const first = await headgate('drift', CART, '--read');
  expect(first).toMatchObject({ status: 0, output: expect.stringMatching(/tells \d+/) as string });
  // Somebody else fills the audience.
  await service.database.query("update audience_sizes set verdict = 'more', at_least = 90000, at_most = 90000, message = 'tells 90000', read_at = read_at - interval '6 hours'");
  expect((await target())['drift']).toBeNull();
  await service.database.query("insert into audience_sizes select destination, audience_key, clock_timestamp(), at_least, at_most, failure, taken_in, entering, leaving, match_rate, verdict, message from audience_sizes where destination = 'meta_main'");
  expect(await target()).toMatchObject({ drift: { verdict: 'more', readings: 2 }, size: { at_least: 90_000, verdict: 'more' }, clocks: { source: expect.stringContaining('24 hours') as string, accepted_until: expect.any(String) as string } });
  expect((await service.parts.ledger.listSizes()).flatMap((readings) => judgeDrift(readings, { now: Date.now(), everyMs: 6 * 3_600_000 }) ?? [])).toMatchObject([{ destination: 'meta_main', audienceKey: CART, readings: 2 }]);
  expect((await headgate('drift', CART)).status).toBe(1);
  expect((await (await fetch(`${service.url}/metrics`)).text())).toContain('headgate_audience_size{destination="meta_main",audience="high_intent_cart_7d_v1",whose="theirs_most"} 90000');

  const shown = await headgate('audience', CART);
  expect(shown.output).toMatch(/has drifted since .* by 2 readings in a row/);
  expect(shown.output).toMatch(/in effect there by .* UTC at the latest/);
  const cost = (await service.read(`/v1/audiences/${CART}`)).body['cost'] as { events: { events: number; temporal_actions: number }; targets: { calls: number; members: number }[] };
  expect(cost.events).toMatchObject({ events: PEOPLE + 25, temporal_actions: PEOPLE * 4 + 25 * 2 });
  expect(cost.targets[0]!.calls).toBeGreaterThan(0);
  expect(cost.targets[0]!.members).toBeGreaterThanOrEqual(PEOPLE);
});

test('a platform that cannot be asked is no drift, and the reading says why', async () => {
  service.sandbox.faults.set('meta_main', { fault: 'unauthorised', ms: 0 });
  const { read, unread } = await (await service.parts.gateway.startSizes({ audienceKey: CART }))();
  service.sandbox.faults.set(undefined, null);
  expect({ read, unread }).toEqual({ read: 0, unread: 1 });
  expect((await target())['size']).toMatchObject({ verdict: 'unread', failure: expect.any(String) as string });
});
