/**
 * The decision that the peers make of each event: the one that Headgate's door makes of a batch, for one event, in one
 * transaction of five statements on the same tables, which leaves the same rows (ledger-rows.ts checks that). In two round
 * trips, prepared, because that is the fastest of what was tried (README.md).
 */
import type { Pool, PoolClient } from 'pg';
import { aliasesOf } from '../../src/domain/identity.ts';
import type { Decision, DecisionStatus, HeadgateEvent } from '../../src/domain/event.ts';
import type { MembershipReason, MembershipState } from '../../src/domain/membership.ts';
import { learnFromEvent, NOBODY } from '../../src/domain/person.ts';
import { PRIORITY_OF_EVENT } from '../../src/domain/priority.ts';
import type { Audience, Policies } from '../../src/domain/registry.ts';

/** What the door answers. */
export interface Answer {
  status: DecisionStatus | 'duplicate';
  event_id: string;
  audience: MembershipState | null;
  /** End of the window; null without one and for who is out. */
  until: string | null;
}

const DEDUPE = {
  name: 'dedupe',
  text: `insert into events (event_id, source, name, audience_key, person_id, occurred_at, received_at, status, audience, until)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict do nothing`,
};

/** The customer id is the person; an e-mail goes to whoever used it last. Merging persons is left out, and what they went by before. */
const PERSON = {
  name: 'person',
  text: `with aliases as (
           insert into person_identifiers (kind, value, people, person_id, claimed_at)
           select kind, value, $2, $1, $7 from unnest($8::text[], $9::text[]) as alias (kind, value)
           on conflict (kind, value, people) do update set person_id = excluded.person_id, claimed_at = excluded.claimed_at
           where excluded.claimed_at > person_identifiers.claimed_at
         )
         insert into persons (person_id, people, customer_id, today, contacts, consent, as_of) values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (person_id) do update set today = excluded.today, contacts = excluded.contacts, consent = excluded.consent, as_of = excluded.as_of
         where excluded.as_of > persons.as_of`,
};

/** The maximum rule of domain/membership.ts: no row comes back when a newer decision stands. */
const MEMBERSHIP = {
  name: 'membership',
  text: `insert into memberships as known (person_id, audience_key, state, reason, occurred_at, removal, event_id, expires_at, arm, revision)
         values ($1, $2, $3, $4, $5, $6, $7, $8, 'treatment', 1)
         on conflict (person_id, audience_key) do update set state = excluded.state, reason = excluded.reason, occurred_at = excluded.occurred_at,
           removal = excluded.removal, event_id = excluded.event_id, expires_at = excluded.expires_at, revision = known.revision + 1, updated_at = now()
         where (excluded.occurred_at, excluded.removal, excluded.event_id) > (known.occurred_at, known.removal, known.event_id)`,
};

/** Instead of the deliveries, for an event that a newer one has overtaken. */
const SUPERSEDED = {
  name: 'superseded',
  text: `update events e set status = 'superseded', audience = m.state, until = case when m.state = 'in' then m.expires_at end
         from memberships m where e.event_id = $1 and m.person_id = e.person_id and m.audience_key = e.audience_key
         returning e.status, e.audience, e.until`,
};

/** The same event again. */
const FIRST_DECISION = { name: 'first-decision', text: 'select status, audience, until from events where event_id = $1' };

const DELIVERIES = {
  name: 'deliveries',
  text: `insert into deliveries as known (person_id, destination, audience_key, wanted, status, revision, pending_since)
         select $1, destination, $2, $3, 'pending', 1, clock_timestamp() from unnest($4::text[]) as target (destination)
         on conflict (person_id, destination, audience_key) do update set wanted = excluded.wanted, status = 'pending', revision = known.revision + 1,
           pending_since = excluded.pending_since, reason = null, batch = null`,
};

const EXPOSURE_AND_OUTBOX = {
  name: 'exposure-and-outbox',
  text: `with exposure as (
           insert into exposures (event_id, source, name, person_id, customer_id, audience_key, occurred_at, received_at, status,
                                  campaign_id, campaign_name, journey_id, step_id, message_variant, delivery_id, context, attributes)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::jsonb ->> 'campaign_id', $10::jsonb ->> 'campaign_name', $10::jsonb ->> 'journey_id',
                   $10::jsonb ->> 'step_id', $10::jsonb ->> 'message_variant', $10::jsonb ->> 'delivery_id', $10, $11)
         )
         insert into outbox (event_id, action, priority, payload) values ($1, 'start', $12, $13)`,
};

/**
 * Decides one event on its audience. Resolves when the transaction is durable; the same event again is answered with its
 * first decision. Throws what Postgres says: nothing is decided then, and the engines try again.
 */
export async function decide(pool: Pool, policies: Policies, event: HeadgateEvent): Promise<Answer> {
  const audience = policies.audiences.get(event.audienceKey ?? '');
  if (!audience) throw new Error(`there is no audience ${String(event.audienceKey)}`);
  const client = await pool.connect();
  try {
    const answered = await decideWith(client, audience, event);
    client.release();
    return answered;
  } catch (error) {
    // A transaction that is left open in the middle of a pipeline ends with its connection.
    client.release(true);
    throw error;
  }
}

interface Decided {
  status: DecisionStatus;
  audience: MembershipState | null;
  until: Date | null;
}

const answer = (event: HeadgateEvent, { status, audience, until }: Decided): Answer => ({ status, event_id: event.eventId, audience, until: until?.toISOString() ?? null });

async function decideWith(client: PoolClient, audience: Audience, event: HeadgateEvent): Promise<Answer> {
  const personId = `p_${event.person.customerId ?? event.person.cioId ?? event.person.emailHash ?? ''}`;
  const { decided, membership } = wantedBy(event, audience);
  const { source, name, eventId } = event;
  const [occurredAt, receivedAt] = [new Date(event.occurredAt), new Date(event.receivedAt)];
  const [, inserted, , changed] = await Promise.all([
    client.query('begin'),
    client.query({ ...DEDUPE, values: [eventId, source, name, audience.key, personId, occurredAt, receivedAt, decided.status, decided.audience, decided.until] }),
    client.query({ ...PERSON, values: personValues(personId, event) }),
    client.query({ ...MEMBERSHIP, values: [personId, audience.key, decided.audience, membership.reason, occurredAt, membership.removal, eventId, membership.expiresAt] }),
  ]);
  if (inserted.rowCount === 0) {
    const [, first] = await Promise.all([client.query('rollback'), client.query<Decided>({ ...FIRST_DECISION, values: [eventId] })]);
    return { ...answer(event, theOnly(first.rows)), status: 'duplicate' };
  }
  if (changed.rowCount === 0) {
    const superseded = theOnly((await client.query<Decided>({ ...SUPERSEDED, values: [eventId] })).rows);
    await Promise.all([client.query({ ...EXPOSURE_AND_OUTBOX, values: exposureValues(personId, event, superseded) }), client.query('commit')]);
    return answer(event, superseded);
  }
  await Promise.all([
    client.query({ ...DELIVERIES, values: [personId, audience.key, decided.audience, audience.targets.map(({ destination }) => destination)] }),
    client.query({ ...EXPOSURE_AND_OUTBOX, values: exposureValues(personId, event, decided) }),
    client.query('commit'),
  ]);
  return answer(event, decided);
}

function theOnly<T>([row]: readonly T[]): T {
  if (row === undefined) throw new Error('the event is neither new nor known');
  return row;
}

interface Wanted {
  decided: Decided;
  membership: { reason: MembershipReason; removal: boolean; expiresAt: Date | null };
}

/** What becomes of the event and of its membership, unless a newer one stands. */
function wantedBy(event: HeadgateEvent, { windowMs }: Audience): Wanted {
  if (event.name === 'cio.audience_remove') {
    return { decided: { status: 'applied', audience: 'out', until: null }, membership: { reason: 'removed', removal: true, expiresAt: null } };
  }
  const expiresAt = windowMs === null ? null : new Date(event.occurredAt + windowMs);
  if (expiresAt && expiresAt.getTime() <= event.receivedAt) {
    return { decided: { status: 'expired', audience: 'out', until: null }, membership: { reason: 'expired', removal: false, expiresAt } };
  }
  return { decided: { status: 'applied', audience: 'in', until: expiresAt }, membership: { reason: 'added', removal: false, expiresAt } };
}

function personValues(personId: string, event: HeadgateEvent): unknown[] {
  const known = learnFromEvent(NOBODY, event);
  const aliases = aliasesOf(event.person, event.people);
  const consent = known.consent ? JSON.stringify(known.consent) : null;
  return [
    personId, event.people, event.person.customerId ?? null, JSON.stringify(known.today), known.contacts, consent, new Date(known.asOf),
    aliases.map(({ kind }) => kind), aliases.map(({ value }) => value),
  ];
}

function exposureValues(personId: string, event: HeadgateEvent, { status, audience, until }: Decided): unknown[] {
  const decision: Decision = { status, personId, ...(audience ? { audience } : {}), ...(until ? { until: until.getTime() } : {}) };
  return [
    event.eventId, event.source, event.name, personId, event.person.customerId ?? null, event.audienceKey, new Date(event.occurredAt), new Date(event.receivedAt), status,
    JSON.stringify(event.context), JSON.stringify(event.attributes), PRIORITY_OF_EVENT[event.name], JSON.stringify({ event, decision }),
  ];
}
