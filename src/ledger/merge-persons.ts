/** Makes one person of two that turned out to be the same. Rare, so it goes one by one inside the batch's transaction. */
import type { PoolClient } from 'pg';
import type { Consent } from '../domain/event.ts';
import type { Merge } from '../domain/identity.ts';
import { mergeMemberships, wantedAtPlatforms, type Membership } from '../domain/membership.ts';
import { NOBODY, unitePersons } from '../domain/person.ts';
import type { TargetRef } from '../domain/registry.ts';
import { loadStates } from './load-batch.ts';

/**
 * The newest decision per audience survives. Every target that either of them ever reached becomes pending, so that the
 * platform is made equal for the identifiers of both. The loser's row stays, pointing to the survivor. Both must be locked.
 * Returns the targets that have something to push now.
 */
export async function mergePersons(client: PoolClient, { survivor, loser }: Merge): Promise<TargetRef[]> {
  const { memberships, persons } = await loadStates(client, [survivor, loser]);
  const united = unitePersons(persons.get(survivor) ?? NOBODY, persons.get(loser) ?? NOBODY);
  await client.query(
    `update persons set today = $2, former = $3, contacts = $4, consent = $5, as_of = to_timestamp($6::float8 / 1000.0) where person_id = $1`,
    [survivor, JSON.stringify(united.today), JSON.stringify(united.former), united.contacts, united.consent ?? null, united.asOf],
  );
  const byAudience = new Map<string, Membership>();
  for (const [key, membership] of memberships) {
    const audienceKey = key.slice(key.indexOf('\n') + 1);
    const other = byAudience.get(audienceKey);
    byAudience.set(audienceKey, other ? mergeMemberships(other, membership) : membership);
  }
  await moveMemberships(client, { survivor, loser }, byAudience);
  const targets = await moveDeliveries(client, { survivor, loser }, byAudience, united.consent);
  await moveAliases(client, { survivor, loser });
  await client.query(
    `update persons set merged_into = $1, contacts = case when person_id = $2 then '{}' else contacts end
     where person_id = $2 or merged_into = $2`,
    [survivor, loser],
  );
  return targets;
}

/** A person's aliases are those of its contacts, and its customer id (the loser has none), that still point to it. */
async function moveAliases(client: PoolClient, { survivor, loser }: Merge): Promise<void> {
  await client.query(
    `update person_identifiers i set person_id = $1 from persons p, unnest(p.contacts) as contact
     where p.person_id = $2 and i.person_id = $2 and i.people = p.people
       and i.kind = split_part(contact, ':', 1) and i.value = substr(contact, strpos(contact, ':') + 1)`,
    [survivor, loser],
  );
}

async function moveMemberships(client: PoolClient, { survivor, loser }: Merge, memberships: ReadonlyMap<string, Membership>): Promise<void> {
  await client.query('delete from memberships where person_id = any($1)', [[survivor, loser]]);
  for (const [audienceKey, membership] of memberships) {
    await client.query(
      `insert into memberships (person_id, audience_key, state, reason, occurred_at, removal, event_id, expires_at, arm, revision)
       values ($1, $2, $3, $4, to_timestamp($5::float8 / 1000.0), $6, $7, to_timestamp($8::float8 / 1000.0), $9, $10)`,
      [
        survivor,
        audienceKey,
        membership.state,
        membership.reason,
        membership.occurredAt,
        membership.removal,
        membership.eventId,
        membership.expiresAt,
        membership.arm,
        membership.revision,
      ],
    );
  }
}

async function moveDeliveries(
  client: PoolClient,
  { survivor, loser }: Merge,
  memberships: ReadonlyMap<string, Membership>,
  consent: Consent | undefined,
): Promise<TargetRef[]> {
  const { rows } = await client.query<{ destination: string; audience_key: string; revision: number }>(
    `with gone as (delete from deliveries where person_id = any($1) returning destination, audience_key, revision)
     select destination, audience_key, max(revision) as revision from gone group by destination, audience_key`,
    [[survivor, loser]],
  );
  for (const { destination, audience_key: audienceKey, revision } of rows) {
    const membership = memberships.get(audienceKey);
    await client.query(
      `insert into deliveries (person_id, destination, audience_key, wanted, status, revision, pending_since)
       values ($1, $2, $3, $4, 'pending', $5, clock_timestamp())`,
      [survivor, destination, audienceKey, membership ? wantedAtPlatforms(membership, consent) : 'out', revision + 1],
    );
  }
  return rows.map((row) => ({ destination: row.destination, audienceKey: row.audience_key }));
}
