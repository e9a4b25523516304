/** What became of an event, for its workflow: one statement. */
import type { Decision, DecisionStatus } from '../domain/event.ts';
import type { MembershipState } from '../domain/membership.ts';
import type { LedgerConnection } from './connection.ts';
import { decisionOf } from './load-batch.ts';

export interface PlatformStanding {
  destination: string;
  wanted: MembershipState;
  status: string;
  reason: string | null;
}

export interface SettledEvent {
  decision: Decision;
  /** The person after merges. */
  personId: string | null;
  /** The membership as it is now; null where there is none. */
  membership: { state: MembershipState; reason: string; decidedBy: string; expiresAt: number | null } | null;
  platforms: PlatformStanding[];
}

/** Undefined when the ledger does not know the event. */
export async function readSettled(connection: LedgerConnection, eventId: string): Promise<SettledEvent | undefined> {
  const { rows } = await connection.use((client) =>
    client.query<{
      person_id: string | null;
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
      text: `select e.person_id, e.status, e.audience, e.until, coalesce(p.merged_into, e.person_id) as survivor,
                    m.state, m.reason, m.event_id as decided_by, m.expires_at,
                    coalesce((select json_agg(json_build_object('destination', d.destination, 'wanted', d.wanted, 'status', d.status, 'reason', d.reason)
                                              order by d.destination)
                              from deliveries d where d.person_id = coalesce(p.merged_into, e.person_id) and d.audience_key = e.audience_key), '[]') as platforms
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
  return { decision: decisionOf(row), personId: row.survivor, membership, platforms: row.platforms };
}
