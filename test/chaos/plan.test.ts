/** The plans and the oracle, without any server. */
import { expect, test } from 'vitest';
import { AUDIENCES, CART, CROSS_SELL } from './audiences.ts';
import { planDisturbances } from './disturbance-plan.ts';
import { groupFacts, isIn, verdictOf, type Fact } from './oracle.ts';
import { STORY_WEIGHTS } from './stories.ts';
import { bodyText, planTraffic } from './traffic-plan.ts';

const traffic = (seed: string) => planTraffic({ seed, events: 300, lengthMs: 20_000 });
const disturbances = (seed: string) =>
  planDisturbances({ seed, lengthMs: 60_000, everyMs: 1_000, longestMs: 5_000, processes: ['api-1', 'worker-1', 'postgres', 'temporal', 'sandbox'], clocks: ['api-1'], wires: ['api-1 to postgres'] });

test('a seed gives the same plan again, to the byte, and another one another', () => {
  const bodies = (seed: string): string[] => traffic(seed).events.map((event) => `${event.sends.join(' ')} ${bodyText(event, 1_764_000_000_000)}`);
  expect(bodies('a')).toEqual(bodies('a'));
  expect(bodies('a')).not.toEqual(bodies('b'));
  expect(disturbances('a')).toEqual(disturbances('a'));
  expect(disturbances('a')).not.toEqual(disturbances('b'));
});

test('a plan tells every story, repeats some events 46 times, and sends none after its end', () => {
  const { events } = traffic('a');
  expect(new Set(events.map(({ story }) => story))).toEqual(new Set(Object.keys(STORY_WEIGHTS)));
  expect(events.some(({ sends }) => sends.length === 46)).toBe(true);
  expect(events.every(({ sends }) => sends.every((at) => at >= 0 && at <= 20_000))).toBe(true);
});

test('every process is killed, however short the plan', () => {
  const killed = new Set(disturbances('a').slice(0, 10).flatMap(({ kind, victim }) => (kind === 'kill' ? [victim] : [])));
  expect([...killed].sort()).toEqual(['api-1', 'postgres', 'sandbox', 'temporal', 'worker-1']);
});

const audience = (key: string) => AUDIENCES.find((one) => one.key === key)!;
const fact = (more: Partial<Fact>): Fact => ({ eventId: 'a', event: 'cio.audience_add', audience: CART, occurredAt: 1_000, customer: 'c', cio: undefined, email: undefined, consent: undefined, ...more });
const verdict = (facts: Fact[], key = CART) => verdictOf(groupFacts(facts)[0]!, audience(key), AUDIENCES);

test('the oracle: the newest decides, at equal times a removal, then the greater id, and an add elsewhere excludes', () => {
  const removal = fact({ eventId: 'b', event: 'cio.audience_remove' });
  expect(verdict([fact({}), fact({ ...removal, occurredAt: 999 })])).toMatchObject({ eventId: 'a', removal: false, expiresAt: 1_000 + 7 * 86_400_000 });
  expect(verdict([removal, fact({ eventId: 'z' })])).toMatchObject({ eventId: 'b', removal: true });
  expect(verdict([fact({ eventId: 'z' }), fact({})])).toMatchObject({ eventId: 'z' });
  expect(verdict([fact({}), fact({ eventId: 'b', audience: CROSS_SELL, occurredAt: 1_001 })])).toMatchObject({ eventId: 'b', removal: true });
  expect(isIn(verdict([fact({})]), 1_000 + 7 * 86_400_000)).toBe(false);
});

test('the oracle: persons are those whom events link, a shared e-mail links nobody, and the newest consent counts', () => {
  const email = 'one@chaos.example';
  expect(groupFacts([fact({ customer: undefined, email }), fact({ eventId: 'b', email })])).toHaveLength(1);
  const other = fact({ eventId: 'b', customer: 'd', email });
  expect(groupFacts([fact({ email }), other])).toHaveLength(2);
  expect(() => groupFacts([fact({ email }), other, fact({ eventId: 'x', customer: undefined, email })])).toThrow(/cannot tell/);
  const denial = fact({ eventId: 'b', consent: { ad_user_data: 'denied' } });
  expect(groupFacts([denial, fact({ eventId: 'g', consent: { ad_user_data: 'granted' } })])[0]?.denied).toBe(true);
  expect(groupFacts([denial, fact({ eventId: 'g', occurredAt: 1_001, consent: { ad_user_data: 'granted' } })])[0]?.denied).toBe(false);
});
