/** `GET /v1/audiences/:key/held`: what would be sent to a platform, if a mode did not hold it. */
import type { RequestHandler } from 'express';
import type { Identifier } from '../domain/identifiers.ts';
import type { Policies, Target } from '../domain/registry.ts';
import type { HeldMember, Ledger } from '../ledger/index.ts';
import { readHolds } from './holds.ts';

/** Persons shown for each target, unless asked for more; and at most. */
const SHOWN = 20;
const MOST_SHOWN = 1_000;

export function readHeld({ ledger, policies }: { ledger: Ledger; policies: Policies }): RequestHandler {
  return async (request, response) => {
    const key = String(request.params['key']);
    const { destination, limit = String(SHOWN) } = request.query;
    const targets = policies.audiences.get(key)?.targets.filter((target) => destination === undefined || target.destination === destination);
    if (!targets) {
      response.status(404).json({ problem: `there is no audience ${key.slice(0, 120)} in headgate.yaml`, known: [...policies.audiences.keys()] });
      return;
    }
    if (destination !== undefined && targets.length === 0) {
      response.status(404).json({ problem: `${key} has no target at ${JSON.stringify(destination).slice(0, 120)} in headgate.yaml` });
      return;
    }
    if (typeof limit !== 'string' || !/^\d{1,4}$/.test(limit) || Number(limit) > MOST_SHOWN) {
      response.status(400).json({ problem: `limit must be a number up to ${String(MOST_SHOWN)}` });
      return;
    }
    const holds = await readHolds(ledger, policies);
    const describeTarget = async (target: Target): Promise<object> => {
      const platform = policies.destinations.get(target.destination)?.platform ?? '';
      const { adds, removes, members } = await ledger.readHeld(target, holds(target), Number(limit));
      return { destination: target.destination, platform, because: holds(target).because, adds, removes, members: members.map((member) => describeMember(member, platform)) };
    };
    response.json({ audience_key: key, targets: await Promise.all(targets.map(describeTarget)) });
  };
}

/** An add sends what the person goes by today, a removal what they ever went by. */
function describeMember({ personId, customerId, wanted, since, today, former }: HeldMember, platform: string): object {
  const identifiers = wanted === 'in' ? (today[platform] ?? []) : [...(today[platform] ?? []), ...(former[platform] ?? [])];
  return { customer_id: customerId, person_id: personId, operation: wanted === 'in' ? 'add' : 'remove', since: new Date(since).toISOString(), identifiers: identifiers.map(describeIdentifier) };
}

const HASH = /^[0-9a-f]{64}$/;

/** What platforms take in the clear (a country, a postal code) is not shown. */
const describeIdentifier = ({ type, value }: Identifier): object => ({ type, value: HASH.test(value) ? value : null });
