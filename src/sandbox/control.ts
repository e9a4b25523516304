/** `/_sandbox/…`: faults, limits, what audiences say of themselves, what the stand-ins believe. For tests, demonstrations and the curious. */
import { Router, json, type Response } from 'express';
import { z } from 'zod';
import type { StandIn } from './answer-call.ts';
import { faultRequest } from './faults.ts';

const limitsRequest = z.strictObject({
  destination: z.string(),
  rows_per_call: z.number().int().positive().optional(),
  calls_per_minute: z.number().int().positive().optional(),
  processing_ms: z.number().int().nonnegative().optional(),
  dedupe_ms: z.number().int().nonnegative().optional(),
  buffer_ms: z.number().int().nonnegative().optional(),
  lag_ms: z.number().int().nonnegative().optional(),
});
const audienceRequest = z.strictObject({ destination: z.string(), audience: z.string(), says: z.record(z.string(), z.unknown()) });

export function controlRoutes({ store, faults }: StandIn): Router {
  const router = Router();
  const body = json({ type: () => true });
  router.post('/_sandbox/faults', body, (request, response) => {
    const given = read(faultRequest, request.body, response);
    if (!given || isUnknown(given.destination, response)) return;
    const { destination, fault, calls, ms, value, values = value === undefined ? [] : [value] } = given;
    faults.set(destination, fault === null ? null : { fault, ms: ms ?? 0, values }, calls);
    response.json({ faults: faults.active });
  });
  router.post('/_sandbox/limits', body, (request, response) => {
    const given = read(limitsRequest, request.body, response);
    if (!given || isUnknown(given.destination, response)) return;
    store.setLimits(given.destination, { rowsPerCall: given.rows_per_call, callsPerMinute: given.calls_per_minute, processingMs: given.processing_ms, dedupeMs: given.dedupe_ms, bufferMs: given.buffer_ms, lagMs: given.lag_ms });
    response.json({ limits: store.limitsOf(given.destination) });
  });
  router.post('/_sandbox/audience', body, (request, response) => {
    const given = read(audienceRequest, request.body, response);
    if (!given) return;
    if (store.say(given.destination, given.audience, given.says)) response.json({ status: 'ok' });
    else response.status(404).json({ problems: [`there is no audience ${given.audience} at ${given.destination}`] });
  });
  router.post('/_sandbox/reset', (_request, response) => {
    faults.set(undefined, null);
    store.reset();
    response.json({ status: 'ok' });
  });
  router.get('/_sandbox/state', (_request, response) => {
    response.json({ ...store.state, faults: faults.active });
  });
  return router;

  function isUnknown(destination: string | undefined, response: Response): boolean {
    if (destination === undefined || store.destination(destination)) return false;
    response.status(404).json({ problems: [`there is no destination ${destination} in this sandbox`] });
    return true;
  }
}

function read<T>(schema: z.ZodType<T>, body: unknown, response: Response): T | undefined {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  response.status(400).json({ problems: parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`) });
  return undefined;
}
