/** A delivery is a membership at one target: what is wanted there, and how far the platform is. */
import type { MembershipState } from './membership.ts';

/** What a call does to an audience's members. */
export type PushOperation = 'add' | 'remove';

/**
 * `processing`: the platform has taken it in and decides later. `blocked`: the platform refuses this removal for now.
 * `held`: waits because the destination is paused or in test mode.
 */
export type DeliveryStatus = 'pending' | 'processing' | 'accepted' | 'rejected' | 'blocked' | 'held';

export interface Delivery {
  wanted: MembershipState;
  status: DeliveryStatus;
  /** Counts what has to be pushed, from 1. A push that carried an older revision does not settle a newer one. */
  revision: number;
}

/**
 * What a decision changes at one target; undefined when the target needs no push.
 *
 * A removal that the operator sent is always pushed, also for a person whom the ledger never saw in the audience: another
 * tool may have put them there. A removal that follows from `excludes` or from an expiry is pushed only where this ledger
 * has (or may have) put the person. New identifiers push an add again, and a removal unless it was accepted: one that is under way
 * without them may be rejected for that.
 */
export function deliveryAfter(
  current: Delivery | undefined,
  wanted: MembershipState,
  decision: { explicit: boolean; identifiersChanged: boolean },
): Delivery | undefined {
  if (!current) {
    return wanted === 'in' || decision.explicit ? { wanted, status: 'pending', revision: 1 } : undefined;
  }
  if (current.wanted === wanted && !decision.identifiersChanged) return undefined;
  if (current.wanted === wanted && wanted === 'out' && current.status === 'accepted') return undefined;
  return { wanted, status: 'pending', revision: current.revision + 1 };
}
