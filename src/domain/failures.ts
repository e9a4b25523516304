/**
 * The one vocabulary of what can go wrong at a platform. Each platform maps its wire errors to it (destinations/<platform>/errors.ts),
 * `activities/failures.ts` maps it to Temporal. Nothing gives up: the kinds only say how to wait and whom to tell.
 */

export const FAILURE_KINDS = [
  'invalid_row',
  'rejected_request',
  'unauthorised',
  'rate_limited',
  'unavailable',
  'timed_out',
  'needs_person',
  'misconfigured',
] as const;

/**
 * - `invalid_row`: some rows of the call are wrong, and the platform refused the whole call for them
 * - `rejected_request`: the platform understood the call and refused it for good
 * - `unauthorised`: the token is invalid, expired or lacks a permission
 * - `rate_limited`: wait, then go on
 * - `unavailable`: the platform is down or unreachable; nothing was applied as far as it says
 * - `timed_out`: the outcome is unknown; the call may have been applied
 * - `needs_person`: somebody must accept terms, lift a block, free an audience
 * - `misconfigured`: an id or setting in headgate.yaml does not fit the platform
 */
export type FailureKind = (typeof FAILURE_KINDS)[number];

/** What the sync workflow needs to know of a failed call, and what it shows to a person. */
export interface FailureReport {
  kind: FailureKind;
  /** What the platform said, in its own words. Never holds a token or an identifier. */
  cause: string;
  /** What to do about it; empty when waiting is all there is to do. */
  cure: string;
  /** How long the platform asked to be left alone, in milliseconds. */
  retryAfterMs?: number;
  /** This audience refuses removals as it is (too small, flagged, closed), so a removal is blocked and does not hold the target up. */
  refusesRemovals?: true;
}

/** Thrown by destinations. `message` reads as a full sentence with the destination's name in it. */
export class PlatformFailure extends Error {
  override readonly name = 'PlatformFailure';
  readonly report: FailureReport;
  constructor(message: string, report: FailureReport, options?: ErrorOptions) {
    super(message, options);
    this.report = report;
  }
}

/** How a sync stands; the search attribute `SyncState`. */
export type SyncState = 'ok' | 'throttled' | 'retrying' | 'stuck' | 'paused';

const STATE_OF: Record<FailureKind, SyncState> = {
  rate_limited: 'throttled',
  unavailable: 'retrying',
  timed_out: 'retrying',
  invalid_row: 'stuck',
  rejected_request: 'stuck',
  unauthorised: 'stuck',
  needs_person: 'stuck',
  misconfigured: 'stuck',
};

export const syncStateOf = (kind: FailureKind): SyncState => STATE_OF[kind];

/** Failures that a second attempt within seconds cannot mend; the sync workflow hears of them at once. */
export const isWorthAQuickRetry = (kind: FailureKind): boolean => kind === 'unavailable' || kind === 'timed_out';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
/** After so many rejections without anything accepted in between, one call is made to find out whether it is the call that is wrong. */
export const REJECTIONS_BEFORE_PROBE = 3;

/** What waits for a person is tried at least so often. */
export const LONGEST_PAUSE_MS = 15 * MINUTE;
/** No rest is longer, whatever a platform asks for in error: quotas are counted over a rolling hour at most, or by the day, which is asked about each hour. */
export const LONGEST_REST_MS = 60 * MINUTE;

/**
 * How long a sync pauses after its n-th failure in a row (from 1), in milliseconds. A platform that is down is asked again
 * after 2 s, 4 s … at most each minute, because a buyer who is still targeted costs money; what waits for a person is
 * tried each 15 minutes in the end. A platform's own word (`retryAfterMs`) wins when it is longer.
 * @param jitter 0…1, spreads the syncs of one outage
 */
export function pauseAfter(report: FailureReport, failures: number, jitter: number): number {
  const waitsForPerson = syncStateOf(report.kind) === 'stuck';
  const first = waitsForPerson ? 15 * SECOND : 2 * SECOND;
  const longest = waitsForPerson ? LONGEST_PAUSE_MS : MINUTE;
  const growing = Math.min(longest, first * 2 ** Math.min(failures - 1, 16));
  const own = growing * (0.8 + 0.2 * jitter);
  return Math.round(Math.max(own, Math.min(LONGEST_REST_MS, report.retryAfterMs ?? 0)));
}
