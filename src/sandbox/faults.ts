/** Faults that can be switched on while a stand-in runs, and what the stand-ins believe. */
import { Router, json } from 'express';
import { z } from 'zod';
import type { SandboxStore } from './store.ts';

export const FAULTS = ['http_500', 'rate_limit', 'timeout_applied', 'unauthorised', 'slow_ms', 'unnamed_invalid'] as const;
export type FaultName = (typeof FAULTS)[number];

export interface Fault {
  fault: FaultName;
  /** How long a slow call takes, in milliseconds. */
  ms: number;
  /** Rows that hold this value are counted as invalid and not named (`unnamed_invalid`). */
  value?: string | undefined;
}

const request = z.object({
  destination: z.string().optional(),
  fault: z.enum(FAULTS, `must be null or one of ${FAULTS.join(', ')}`).nullable(),
  calls: z.number().int().positive().optional(),
  ms: z.number().int().nonnegative().default(2_000),
  value: z.string().optional(),
});

const EVERY_DESTINATION = '*';

export class Faults {
  readonly #active = new Map<string, Fault & { left: number }>();

  /** @param calls how many calls it lasts; left out: until it is cleared */
  set(destination: string | undefined, fault: Fault | null, calls?: number): void {
    const key = destination ?? EVERY_DESTINATION;
    if (fault) this.#active.set(key, { ...fault, left: calls ?? Infinity });
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

  get active(): Record<string, { fault: FaultName; calls_left: number | null }> {
    const entries = [...this.#active].map(([key, { fault, left }]) => [key, { fault, calls_left: Number.isFinite(left) ? left : null }]);
    return Object.fromEntries(entries) as Record<string, { fault: FaultName; calls_left: number | null }>;
  }
}

/** `/_sandbox/…`: for tests, demonstrations and the curious. */
export function faultRoutes(faults: Faults, store: SandboxStore): Router {
  const router = Router();
  router.post('/_sandbox/faults', json({ type: () => true }), (req, res) => {
    const parsed = request.safeParse(req.body);
    if (!parsed.success) {
      res.status(400).json({ problems: parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`) });
      return;
    }
    const { destination, fault, calls, ms, value } = parsed.data;
    if (destination !== undefined && !store.destination(destination)) {
      res.status(404).json({ problems: [`there is no destination ${destination} in this sandbox`] });
      return;
    }
    faults.set(destination, fault === null ? null : { fault, ms, value }, calls);
    res.json({ faults: faults.active });
  });
  router.post('/_sandbox/reset', (_req, res) => {
    faults.set(undefined, null);
    store.reset();
    res.json({ status: 'ok' });
  });
  router.get('/_sandbox/state', (_req, res) => {
    res.json({ ...store.state, faults: faults.active });
  });
  return router;
}
