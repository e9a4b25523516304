/** What became of an event, for its workflow: one statement. */
import type { Decision, DecisionStatus } from '../domain/event.ts';
import type { DeliveryStatus } from '../domain/delivery.ts';
import type { TargetLife } from '../domain/holding.ts';
import type { MembershipState } from '../domain/membership.ts';
import type { LedgerConnection } from './connection.ts';
import { decisionOf } from './load-batch.ts';

export interface PlatformStanding {
  destination: string;
  wanted: MembershipState;
  status: DeliveryStatus;
  reason: string | null;
  life: TargetLife;
}

export interface SettledEvent {
  decision: Decision;
  audienceKey: string | null;
  /** The person after merges. */
  personId: string | null;
  /** The person's customer id and contacts, as test profiles are written. */
  goesBy: string[];
  /** The membership as it is now; null where there is none. */
  membership: { state: MembershipState; reason: string; decidedBy: string; expiresAt: number | null } | null;
  platforms: PlatformStanding[];
}

/** Undefined when the ledger does not know the event. */
export async function readSettled(connection: LedgerConnection, eventId: string): Promise<SettledEvent | undefined> {
  const { rows } = await connection.use((client) =>
    client.query<{
      person_id: string | null;
      audience_key: string | null;
      goes_by: string[] | null;
      status: DecisionStatus;
      audience: MembershipState | null;
      until: Date | null;
      survivor: string | null;
      state: MembershipState | null;
      reason: string;
      decided_by: string;
      expires_at: Date | null;
      platforms: PlatformStanding[];
    }>({
      name: 'read-settled',
      text: `select e.person_id, e.audience_key, e.status, e.audience, e.until, coalesce(p.merged_into, e.person_id) as survivor,
                    array_remove(case when p.merged_into is null then p.contacts || p.customer_id
                                 else (select s.contacts || s.customer_id from persons s where s.person_id = p.merged_into) end, null) as goes_by,
                    m.state, m.reason, m.event_id as decided_by, m.expires_at,
                    coalesce((select json_agg(json_build_object('destination', d.destination, 'wanted', d.wanted, 'status', d.status, 'reason', d.reason, 'life', coalesce(t.life, 'active'))
                                              order by d.destination)
                              from deliveries d left join targets t using (destination, audience_key) where d.person_id = coalesce(p.merged_into, e.person_id) and d.audience_key = e.audience_key), '[]') as platforms
             from events e
             left join persons p on p.person_id = e.person_id
             left join memberships m on m.person_id = coalesce(p.merged_into, e.person_id) and m.audience_key = e.audience_key
             where e.event_id = $1`,
      values: [eventId],
    }),
  );
  const [row] = rows;
  if (!row) return undefined;
  const membership = row.state && { state: row.state, reason: row.reason, decidedBy: row.decided_by, expiresAt: row.expires_at?.getTime() ?? null };
  return { decision: decisionOf(row), audienceKey: row.audience_key, personId: row.survivor, goesBy: row.goes_by ?? [], membership, platforms: row.platforms };
}
