/** Faults that can be switched on while a stand-in runs, per call or per row. Each platform shows them in its own way. */
import { z } from 'zod';

/**
 * - `http_500`: the platform is down · `malformed`: a gateway's page instead of an answer · `unclear`: applied, and answered with a success that does not say of what
 * - `rate_limit`: throttled for `ms` · `used_up`: answers, and says by headers that the quota is used up for `ms` · `slow_ms`: answers after `ms`
 * - `timeout_before`, `timeout_applied`: never answered, and not applied or applied · `reset_applied`: applied, then the connection breaks
 * - `unauthorised`: the token is revoked · `no_permission`: it may not do this · `needs_person`: terms not accepted · `misconfigured`: the audience is gone
 * - `refuse_removals`: too small an audience, a closed list
 * - rows that hold one of `values` are wrong: `named_invalid` says which as far as the platform can, `unnamed_invalid` does not,
 *   `late_invalid` takes them in and finds out later; of platforms that decide later also: `late_refused` refuses a whole request
 *   later, `no_status` says nothing of requests, `consent_required` refuses later whoever has not granted consent
 *
 * Reading, as `headgate check` does, meets those that are about the whole account, and does not use up their calls.
 */
export const FAULTS = [
  'http_500', 'malformed', 'unclear', 'rate_limit', 'used_up', 'slow_ms', 'timeout_before', 'timeout_applied', 'reset_applied', 'unauthorised', 'no_permission', 'needs_person', 'misconfigured',
  'refuse_removals', 'named_invalid', 'unnamed_invalid', 'late_invalid', 'late_refused', 'no_status', 'consent_required',
] as const;
export type FaultName = (typeof FAULTS)[number];

export interface Fault {
  fault: FaultName;
  /** How long a slow call takes, or how long a throttled account shall wait, in milliseconds; 0: the stand-in's own. */
  ms: number;
  /** What makes a row wrong. */
  values?: readonly string[] | undefined;
}

export const faultRequest = z.object({
  destination: z.string().optional(),
  fault: z.enum(FAULTS, `must be null or one of ${FAULTS.join(', ')}`).nullable(),
  calls: z.number().int().positive().optional(),
  ms: z.number().int().nonnegative().optional(),
  value: z.string().optional(),
  values: z.array(z.string()).optional(),
});

const EVERY_DESTINATION = '*';
const SLOW_MS = 2_000;

export class Faults {
  readonly #active = new Map<string, Fault & { left: number }>();

  /** @param calls how many calls it lasts; left out: until it is cleared */
  set(destination: string | undefined, fault: Fault | null, calls?: number): void {
    const key = destination ?? EVERY_DESTINATION;
    if (fault) this.#active.set(key, { ...fault, ms: fault.fault === 'slow_ms' && fault.ms === 0 ? SLOW_MS : fault.ms, left: calls ?? Infinity });
    else if (destination === undefined) this.#active.clear();
    else this.#active.delete(key);
  }

  /** The fault that the next call of this destination meets; counts it. */
  take(destination: string): Fault | undefined {
    for (const key of [destination, EVERY_DESTINATION]) {
      const fault = this.#active.get(key);
      if (!fault) continue;
      fault.left--;
      if (fault.left <= 0) this.#active.delete(key);
      return fault;
    }
    return undefined;
  }

  /** The fault that stands at this destination, without counting it. */
  at(destination: string): Fault | undefined {
    return this.#active.get(destination) ?? this.#active.get(EVERY_DESTINATION);
  }

  get active(): Record<string, { fault: FaultName; calls_left: number | null }> {
    const entries = [...this.#active].map(([key, { fault, left }]) => [key, { fault, calls_left: Number.isFinite(left) ? left : null }]);
    return Object.fromEntries(entries) as Record<string, { fault: FaultName; calls_left: number | null }>;
  }
}

/** True when the fault is about rows and this row's text holds one of its values. */
export const isWrong = (fault: Fault | undefined, name: FaultName, row: object): boolean =>
  fault?.fault === name && (fault.values ?? []).some((value) => JSON.stringify(row).includes(JSON.stringify(value).slice(1, -1)));
