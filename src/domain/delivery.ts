/** A delivery is a membership at one target: what is wanted there, and how far the platform is. */
import type { MembershipState } from './membership.ts';

/** What a call does to an audience's members. */
export type PushOperation = 'add' | 'remove';

/**
 * `processing`: the platform has taken it in and decides later. `blocked`: the platform refuses this removal for now.
 * `held`: waits because of a mode, which is told apart when it is read, or of the guard, which is stored.
 */
export type DeliveryStatus = 'pending' | 'processing' | 'accepted' | 'rejected' | 'blocked' | 'held';

export interface Delivery {
  wanted: MembershipState;
  status: DeliveryStatus;
  /** Counts what has to be pushed, from 1. A push that carried an older revision does not settle a newer one. */
  revision: number;
  /** What decided it, as far as the guard (domain/guard.ts) may hold that; absent is never held. */
  cause?: string | null;
}

/**
 * What a decision changes at one target; undefined when the target needs no push.
 *
 * A removal that the operator sent is always pushed, also for a person whom the ledger never saw in the audience: another
 * tool may have put them there. A removal that follows from `excludes` or from an expiry is pushed only where this ledger
 * has (or may have) put the person. New identifiers push an add again, and a removal unless it was accepted: one that is under way
 * without them may be rejected for that. A removal that the guard holds, or may, is let go by every other reason to remove the person.
 */
export function deliveryAfter(
  current: Delivery | undefined,
  wanted: MembershipState,
  decision: { explicit: boolean; identifiersChanged: boolean; cause?: string },
): Delivery | undefined {
  const pending = (revision: number, cause: string | null | undefined): Delivery => ({ wanted, status: 'pending', revision, ...(cause == null ? {} : { cause }) });
  if (!current) {
    if (wanted === 'in') return pending(1, decision.cause);
    return decision.explicit ? pending(1, null) : undefined;
  }
  if (current.wanted !== wanted) return pending(current.revision + 1, decision.cause);
  if (decision.identifiersChanged) return wanted === 'out' && current.status === 'accepted' ? undefined : pending(current.revision + 1, current.cause);
  const mayBeHeld = current.cause != null && (current.status === 'held' || current.status === 'pending');
  if (mayBeHeld && wanted === 'out' && decision.cause !== current.cause) return pending(current.revision + 1, decision.cause);
  return undefined;
}
