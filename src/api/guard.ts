/** `/v1/guard`: the waves that the guard holds; and letting one go. */
import { json, Router } from 'express';
import { z } from 'zod';
import { describeHold, releaseCommand, type GuardHold } from '../domain/guard.ts';
import type { Policies, TargetRef } from '../domain/registry.ts';
import type { Ledger, ReleasedWave } from '../ledger/index.ts';
import type { Logger } from '../monitoring/logger.ts';
import { authorise } from './authorise.ts';

export interface GuardOptions {
  ledger: Ledger;
  policies: Policies;
  host: string;
  readToken: string | undefined;
  operatorToken: string | undefined;
  /** Something is to be pushed now. */
  onCommitted: (wakes: readonly TargetRef[]) => void;
  logger: Logger;
}

const text = z.string('must be text').trim().min(1, 'must not be empty').max(400);
/** What a release is asked by. */
export const releaseSchema = z.strictObject({
  destination: text.optional().describe('Only there. Default: wherever a wave of the audience is held.'),
  what: z.enum(['adds', 'removals'], 'must be adds or removals').optional().describe('Default: both.'),
  by: text.describe('Who does it.'),
  because: text.optional().describe('Why; kept with the wave.'),
});

export function guardRoutes({ ledger, policies, host, readToken, operatorToken, onCommitted, logger }: GuardOptions): Router {
  const router = Router();
  router.get('/v1/guard', authorise('reading', host, readToken), async (_request, response) => {
    response.json({ held: (await ledger.listGuardHolds()).map((hold) => ({ audience_key: hold.audienceKey, destination: hold.destination, ...describeGuardHold(hold) })) });
  });
  router.post('/v1/audiences/:key/release', authorise('operating', host, operatorToken), json({ limit: '10kb' }), async (request, response) => {
    const audienceKey = String(request.params['key']);
    const refuse = (problem: string, code: number): void => void response.status(code).json({ status: 'invalid', problem });
    const parsed = releaseSchema.safeParse(request.body);
    if (!parsed.success) {
      refuse(parsed.error.issues.map(({ path, message }) => [path.join('.'), message].filter((part) => part !== '').join(' ')).join('; '), 400);
      return;
    }
    const { destination, what, by, because } = parsed.data;
    const held = (await ledger.listGuardHolds(audienceKey)).map((hold) => hold.destination);
    const known = new Set([...(policies.audiences.get(audienceKey)?.targets ?? []).map((target) => target.destination), ...held]);
    if (known.size === 0) {
      refuse(`there is no audience ${audienceKey.slice(0, 120)} in headgate.yaml`, 404);
      return;
    }
    if (destination !== undefined && !known.has(destination)) {
      refuse(`${audienceKey} has no target at ${destination.slice(0, 120)} in headgate.yaml; it has ${[...known].join(', ')}`, 404);
      return;
    }
    const operation = what === undefined ? undefined : what === 'adds' ? 'add' : 'remove';
    const released: ReleasedWave[] = [];
    for (const name of destination === undefined ? known : [destination]) released.push(...(await ledger.releaseHolds({ destination: name, audienceKey }, { operation, by, because })));
    onCommitted(released.map((one) => ({ destination: one.destination, audienceKey })));
    for (const one of released) logger.info({ destination: one.destination, audience: audienceKey, operation: one.operation, members: one.members, by }, `${by} released a wave that the guard held.`);
    response.json({ audience_key: audienceKey, released: released.map((one) => ({ destination: one.destination, operation: one.operation, members: one.members })) });
  });
  return router;
}

/** One wave, for programs and people. */
export const describeGuardHold = (hold: GuardHold): object => ({
  operation: hold.operation,
  held: hold.held,
  since: new Date(hold.since).toISOString(),
  causes: hold.causes,
  noticed: hold.noticed,
  audience_size: hold.audienceSize,
  most: hold.most,
  let_go_at: hold.letGoAt === null ? null : new Date(hold.letGoAt).toISOString(),
  because: describeHold(hold),
  release: releaseCommand(hold),
});
