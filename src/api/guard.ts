/** `/v1/guard`: the waves that the guard holds; and letting one go. */
import { json, Router, type Request } from 'express';
import { z } from 'zod';
import { describeHold, releaseCommand, type GuardHold } from '../domain/guard.ts';
import { targetKey, type Policies, type TargetRef } from '../domain/registry.ts';
import type { PushOperation } from '../domain/delivery.ts';
import type { Ledger, ReleasedWave } from '../ledger/index.ts';
import type { Logger } from '../monitoring/logger.ts';
import { audited, auditedOf, shortText, type Audited, type AuditLog, type Described } from './audit.ts';
import { authorise, type GuardOptions as AccessOptions } from './authorise.ts';
import { isoOrNull } from './iso-time.ts';

export interface GuardOptions extends AccessOptions {
  ledger: Ledger;
  policies: Policies;
  audit: AuditLog;
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

export function guardRoutes(options: GuardOptions): Router {
  const { ledger, policies, onCommitted, logger, audit } = options;
  const router = Router();
  router.get('/v1/guard', authorise('reading', options), async (_request, response) => {
    response.json({ held: (await ledger.listGuardHolds()).map((hold) => ({ audience_key: hold.audienceKey, destination: hold.destination, ...describeGuardHold(hold) })) });
  });
  router.post('/v1/audiences/:key/release', authorise('operating', options), json({ limit: '10kb' }), audited(audit, 'audience.release', describeRelease), async (request, response) => {
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
    const targets = (destination === undefined ? [...known] : [destination]).map((name) => ({ destination: name, audienceKey }));
    const released = await releaseWaves({ ledger, onCommitted, logger }, targets, { operation, by, because }, auditedOf(response));
    response.json({ audience_key: audienceKey, released: released.map((one) => ({ destination: one.destination, operation: one.operation, members: one.members })) });
  });
  return router;
}

function describeRelease({ params, body }: Request): Described {
  const { destination, what, because } = (body ?? {}) as Partial<Record<'destination' | 'what' | 'because', unknown>>;
  return { subject: [shortText(destination, 100), shortText(params['key'], 120)].filter((part) => part !== '').join('/'), detail: { what: shortText(what, 20) || 'both', because: shortText(because) } };
}

/** Lets the waves of these targets go, and has them pushed. @param release without `operation`: adds and removals */
export async function releaseWaves({ ledger, onCommitted, logger }: Pick<GuardOptions, 'ledger' | 'onCommitted' | 'logger'>, targets: readonly TargetRef[], release: { operation: PushOperation | undefined; by: string; because: string | undefined }, audit: Audited): Promise<ReleasedWave[]> {
  const released: ReleasedWave[] = [];
  for (const target of targets) released.push(...(await ledger.releaseHolds(target, release, (waves) => (waves.length === 0 ? [] : [audit.done({ released: waves.map(({ operation, members }) => ({ operation, members })) }, targetKey(target))]))));
  onCommitted(released.map(({ destination, audienceKey }) => ({ destination, audienceKey })));
  for (const { destination, audienceKey, operation, members } of released) logger.info({ destination, audience: audienceKey, operation, members, by: release.by }, `${release.by} released a wave that the guard held.`);
  return released;
}

/** A wave that is held. Times in ISO 8601. */
export interface GuardHoldView {
  operation: PushOperation;
  held: number;
  since: string;
  causes: string[];
  noticed: number;
  audience_size: number;
  most: number;
  /** When it goes by itself; null: when somebody releases it. */
  let_go_at: string | null;
  because: string;
  /** The command. */
  release: string;
}

/** One wave, for programs and people. */
export const describeGuardHold = (hold: GuardHold): GuardHoldView => ({
  operation: hold.operation,
  held: hold.held,
  since: new Date(hold.since).toISOString(),
  causes: hold.causes,
  noticed: hold.noticed,
  audience_size: hold.audienceSize,
  most: hold.most,
  let_go_at: isoOrNull(hold.letGoAt),
  because: describeHold(hold),
  release: releaseCommand(hold),
});
