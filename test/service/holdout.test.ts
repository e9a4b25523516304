/** A holdout is changed while people are in: the whole service, restarted with another headgate.yaml on the same ledger, Temporal and platform. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { holdoutPosition } from '../../src/ledger/holdout-position.ts';
import { SECRET, startService, type TestService } from '../support/service.ts';
import { seconds, somebody } from '../support/somebody.ts';
import { until } from '../support/until.ts';

const CART = 'cart_7d_v1';
const PEOPLE = 60;
const PATIENCE_MS = 60_000;

/** As an operator writes it. */
const registryOf = (holdouts: string): string => `
sources:
  demo: { signing_secret: ${SECRET} }
destinations:
  meta_main: { platform: meta, sandbox: true, access_token: a-token-for-tests, ad_account: act_1, timeout: 2s }
audiences:
  ${CART}: { description: for a test, owner: { name: Tests }, window: 7d, targets: { meta_main: "11" } }
${holdouts}`;

let service: TestService;
beforeAll(async () => {
  service = await startService({ registry: registryOf('') });
});
afterAll(() => service.stop());

test('from 0% to 50% about half are taken out at the platform, with their windows running on; back at 0% they are in again', async () => {
  const people = await Promise.all(Array.from({ length: PEOPLE }, async () => {
    const who = somebody();
    const eventId = crypto.randomUUID();
    await service.post({ ...who.person, event_id: eventId, audience_key: CART, timestamp: seconds() - 60 });
    return { ...who, eventId };
  }));
  const ids = new Map((await service.database.query<{ customer_id: string; person_id: string }>('select customer_id, person_id from persons')).map((row) => [row.customer_id, row.person_id]));
  const positionOf = (salt: string, customerId: string): number => holdoutPosition(salt, ids.get(customerId) ?? '');
  const hashes = (held: (customerId: string) => boolean): string[] => people.filter(({ person }) => !held(person.customer_id)).map(({ hash }) => hash).toSorted();
  const holds = (expected: string[]): Promise<string[]> => until(() => service.members('11').toSorted(), (members) => JSON.stringify(members) === JSON.stringify(expected), PATIENCE_MS);
  const windows = () => service.database.query('select person_id, state, expires_at, event_id from memberships order by person_id');
  const restart = async (registry: string): Promise<void> => {
    await service.stopHeadgate();
    await service.startHeadgate(registry);
  };
  await holds(hashes(() => false));
  const before = await windows();

  const heldOut = (customerId: string): boolean => positionOf('holdout:all_ads', customerId) < 0.5;
  await restart(registryOf('holdouts:\n  all_ads: { share: 50% }\n'));
  const left = await holds(hashes(heldOut));
  // Six standard deviations of a fair coin.
  expect(Math.abs(left.length - PEOPLE / 2)).toBeLessThan(6 * Math.sqrt(PEOPLE / 4));
  expect(await windows()).toEqual(before);
  const outside = people.find(({ person }) => heldOut(person.customer_id))!;
  expect((await service.client.workflow.getHandle(outside.eventId).describe()).status.name).toBe('RUNNING');
  expect((await service.read(`/v1/audiences/${CART}`)).body).toMatchObject({ holdout: '50% by all_ads', members: { in: PEOPLE, holdout: PEOPLE - left.length } });
  expect(await service.database.query("select outcome, arm, count(*)::int as persons from exposures where name = 'headgate.rearmed' group by 1, 2")).toEqual([{ outcome: 'held_out', arm: 'holdout', persons: PEOPLE - left.length }]);

  // Who is held out now comes again, and stays out.
  await service.post({ ...outside.person, audience_key: CART, event_id: crypto.randomUUID(), timestamp: seconds() });
  await restart(registryOf('holdouts:\n  all_ads: { share: 50%, audiences: [cart_7d_v1] }\n'));
  await holds(hashes(heldOut));

  await restart(registryOf(''));
  await holds(hashes(() => false));
  expect(await service.database.query("select count(*)::int as persons from memberships where arm = 'holdout'")).toEqual([{ persons: 0 }]);
});
