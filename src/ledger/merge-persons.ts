/** Makes one person of two that turned out to be the same. Rare, so it goes one by one inside the batch's transaction. */
import type { PoolClient } from 'pg';
import type { Consent, HeadgateEvent } from '../domain/event.ts';
import { leftByMergeRow, rearmedRow, type BroughtAbout } from '../domain/exposure.ts';
import { armOf } from '../domain/holdout.ts';
import type { Merge } from '../domain/identity.ts';
import { mergeMemberships, wantedAtPlatforms, type Membership } from '../domain/membership.ts';
import { NOBODY, unitePersons } from '../domain/person.ts';
import { targetKey, type Policies, type TargetRef } from '../domain/registry.ts';
import { holdoutPosition } from './holdout-position.ts';
import { loadStates } from './load-batch.ts';

/**
 * The newest decision per audience survives, in the arm of the person who does. Every target that either of them ever reached becomes
 * pending, so that the platform is made equal for the identifiers of both. The loser's row stays, pointing to the survivor, and keeps its
 * contacts, because calls of the loser may still be under way. Both must be locked.
 * @param event the one that links them
 * @returns the targets that have something to push now, and the rows of those who left or changed arms by it
 */
export async function mergePersons(client: PoolClient, policies: Policies, { survivor, loser }: Merge, event: HeadgateEvent): Promise<{ targets: TargetRef[]; broughtAbout: BroughtAbout[] }> {
  const { memberships, persons } = await loadStates(client, [survivor, loser]);
  const united = unitePersons(persons.get(survivor) ?? NOBODY, persons.get(loser) ?? NOBODY);
  await client.query(
    `update persons set today = $2, former = $3, contacts = $4, consent = $5, as_of = to_timestamp($6::float8 / 1000.0) where person_id = $1`,
    [survivor, JSON.stringify(united.today), JSON.stringify(united.former), united.contacts, united.consent ?? null, united.asOf],
  );
  const byAudience = new Map<string, Membership>();
  const wereIn = new Set<string>();
  for (const [key, membership] of memberships) {
    const audienceKey = key.slice(key.indexOf('\n') + 1);
    const other = byAudience.get(audienceKey);
    const merged = other ? mergeMemberships(other, membership) : membership;
    if (membership.state === 'in') wereIn.add(audienceKey);
    byAudience.set(audienceKey, merged);
  }
  const broughtAbout: BroughtAbout[] = [];
  for (const [audienceKey, merged] of byAudience) {
    const audience = policies.audiences.get(audienceKey);
    const membership = audience ? { ...merged, arm: armOf(audience, survivor, holdoutPosition) } : merged;
    byAudience.set(audienceKey, membership);
    if (merged.state === 'out' && wereIn.has(audienceKey)) broughtAbout.push(leftByMergeRow({ survivor, loser }, audienceKey, merged, event));
    if (merged.state === 'in' && merged.arm !== membership.arm) broughtAbout.push(rearmedRow(survivor, audienceKey, membership, event.receivedAt));
  }
  await moveMemberships(client, { survivor, loser }, byAudience);
  const targets = await moveDeliveries(client, { survivor, loser }, policies, byAudience, united.consent);
  await moveAliases(client, { survivor, loser });
  await client.query('update forwards set person_id = $1 where person_id = $2', [survivor, loser]);
  await client.query('update persons set merged_into = $1 where person_id = $2 or merged_into = $2', [survivor, loser]);
  return { targets, broughtAbout };
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

/** Pushes what was pushed before, and what neither alone was pushed for: one was held out or had refused, the other was not in. */
async function moveDeliveries(
  client: PoolClient,
  { survivor, loser }: Merge,
  policies: Policies,
  memberships: ReadonlyMap<string, Membership>,
  consent: Consent | undefined,
): Promise<TargetRef[]> {
  const { rows } = await client.query<{ destination: string; audience_key: string; revision: number; lost_revision: number | null }>(
    `with gone as (delete from deliveries where person_id = any($1) returning destination, audience_key, revision, lost_revision)
     select destination, audience_key, max(revision) as revision, max(lost_revision) as lost_revision from gone group by destination, audience_key`,
    [[survivor, loser]],
  );
  const before = rows.map((row) => ({ destination: row.destination, audienceKey: row.audience_key, revision: row.revision, lostRevision: row.lost_revision }));
  const known = new Set(before.map(targetKey));
  const added = [...memberships.keys()].flatMap((key) => policies.audiences.get(key)?.targets ?? []).filter((target) => !known.has(targetKey(target)));
  const targets: TargetRef[] = [];
  for (const { destination, audienceKey, revision, lostRevision } of [...before, ...added.map((target) => ({ ...target, revision: 0, lostRevision: null }))]) {
    const membership = memberships.get(audienceKey);
    const wanted = membership ? wantedAtPlatforms(membership, consent) : 'out';
    if (revision === 0 && wanted === 'out') continue;
    await client.query(
      `insert into deliveries (person_id, destination, audience_key, wanted, status, revision, lost_revision, pending_since)
       values ($1, $2, $3, $4, 'pending', $5, $6, clock_timestamp())`,
      [survivor, destination, audienceKey, wanted, revision + 1, lostRevision],
    );
    targets.push({ destination, audienceKey });
  }
  return targets;
}
