/**
 * What is posted to the peers: the webhooks that the door gets, as it passes them on once they are verified, validated and
 * hashed. So the peers are spared that work, and what they keep of their input holds nothing in the clear either.
 */
import { eventFromBody } from '../../src/api/event-from-body.ts';
import { parseRegistry } from '../../src/config/registry.ts';
import { identifyPerson } from '../../src/destinations/identify-person.ts';
import type { HeadgateEvent } from '../../src/domain/event.ts';
import type { Policies } from '../../src/domain/registry.ts';
import type { LoadTarget } from '../../test/bench/load.ts';
import { BENCH_REGISTRY, BENCH_SECRET } from '../../test/bench/registry.ts';
import { signWebhooks } from '../../test/bench/signed-webhooks.ts';

const registry = parseRegistry(BENCH_REGISTRY, 'bench.yaml', { variables: {}, sandboxAllowed: true });
const platforms = [...new Set([...registry.destinations.values()].map((destination) => destination.platform))];

/** The door's: the audience with its window and its three destinations. */
export const policies: Policies = registry.policies;

/** Events posted to `path`. @param headersOf what the peer wants to be told besides the body */
export const eventsTo = (path: string, headersOf: (event: HeadgateEvent) => Record<string, string> = () => ({})): LoadTarget => ({
  path,
  mostPerSecond: 6_000,
  make: (count) =>
    makeEvents(count).map((event) => ({ body: JSON.stringify(event), headers: { 'content-type': 'application/json', ...headersOf(event) } })),
});

/** Each another event of another person. */
export function makeEvents(count: number): HeadgateEvent[] {
  return signWebhooks(count, BENCH_SECRET).map(({ body }) => {
    const understood = eventFromBody(body, {
      source: 'demo',
      people: 'demo',
      receivedAt: Date.now(),
      hasAudience: (key) => policies.audiences.has(key),
      identify: (person) => identifyPerson(person, platforms),
    });
    if (!('event' in understood)) throw new Error(`the bench makes invalid webhooks: ${JSON.stringify(understood.problems)}`);
    return understood.event;
  });
}
