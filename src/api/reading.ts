/** Status out: what became of events, persons and audiences. Reads the ledger, never a platform. */
import { Router, type RequestHandler } from 'express';
import { formatDuration, targetKey, type Audience, type Policies } from '../domain/registry.ts';
import { syncWorkflowId } from '../workflows/contract.ts';
import type { AudienceCounts, Ledger, TargetCounts, TargetStanding } from '../ledger/index.ts';
import { withoutEmail } from './event-from-body.ts';

export interface ReadingOptions {
  ledger: Ledger;
  policies: Policies;
  /** From an e-mail in the clear to the hash that the ledger knows; undefined when it is none. */
  emailHash: (email: string) => string | undefined;
  /** Address of the Temporal UI with its namespace, for links; undefined when it is not known. */
  temporalUi: string | undefined;
}

/** A person's timeline shows at most this many events. */
const NEWEST_EVENTS = 100;

export function readingRoutes(options: ReadingOptions): Router {
  const router = Router();
  router.get('/v1/events/:event_id', readEvent(options));
  router.get('/v1/people', readPeople(options));
  router.get('/v1/audiences', readAudiences(options));
  router.get('/v1/audiences/:key', readAudience(options));
  return router;
}

const workflowUrl = (ui: string | undefined, workflowId: string): string | null =>
  ui === undefined ? null : `${ui}/workflows/${encodeURIComponent(workflowId)}`;

function readEvent({ ledger, temporalUi }: ReadingOptions): RequestHandler {
  return async (request, response) => {
    const eventId = String(request.params['event_id']);
    const event = await ledger.readEvent(eventId);
    if (!event) {
      response.status(404).json({ problem: `the ledger knows no event ${eventId.slice(0, 200)}` });
      return;
    }
    response.json({ ...event, workflow_url: event.status === 'test' ? null : workflowUrl(temporalUi, eventId) });
  };
}

function readPeople({ ledger, emailHash }: ReadingOptions): RequestHandler {
  return async (request, response) => {
    const given = (['customer_id', 'cio_id', 'email', 'person_id'] as const).flatMap((kind) => {
      const value = request.query[kind];
      return typeof value === 'string' && value !== '' ? [{ kind, value }] : [];
    });
    const [identifier] = given;
    if (!identifier || given.length > 1) {
      response.status(400).json({ problem: 'ask by exactly one of customer_id, cio_id, email and person_id' });
      return;
    }
    const value = identifier.kind === 'email' ? emailHash(identifier.value) : withoutEmail(identifier.value);
    if (value === undefined) {
      response.status(400).json({ problem: 'email is not an e-mail address' });
      return;
    }
    const people = await ledger.readPersons({ kind: identifier.kind, value }, NEWEST_EVENTS);
    if (people.length === 0) {
      response.status(404).json({ problem: `nobody goes by this ${identifier.kind}`, people });
      return;
    }
    response.json({ people });
  };
}

function readAudiences({ ledger, policies, temporalUi }: ReadingOptions): RequestHandler {
  return async (_request, response) => {
    const audiences = [...policies.audiences.values()];
    response.json({ audiences: await describeAudiences(ledger, audiences, policies, temporalUi) });
  };
}

function readAudience({ ledger, policies, temporalUi }: ReadingOptions): RequestHandler {
  return async (request, response) => {
    const key = String(request.params['key']);
    const audience = policies.audiences.get(key);
    if (!audience) {
      response.status(404).json({ problem: `there is no audience ${key.slice(0, 120)} in headgate.yaml`, known: [...policies.audiences.keys()] });
      return;
    }
    const [view] = await describeAudiences(ledger, [audience], policies, temporalUi);
    response.json(view);
  };
}

async function describeAudiences(ledger: Ledger, audiences: readonly Audience[], policies: Policies, temporalUi: string | undefined): Promise<object[]> {
  const keys = audiences.map((audience) => audience.key);
  const members = new Map((await ledger.countMembers(keys)).map((counts) => [counts.audience_key, counts]));
  const deliveries = new Map((await ledger.countDeliveries(keys)).map((counts) => [targetKeyOf(counts), counts]));
  const standings = new Map((await ledger.listTargets()).map((standing) => [targetKey(standing), standing]));
  return audiences.map((audience) => describeAudience(audience, members.get(audience.key), deliveries, standings, policies, temporalUi));
}

const targetKeyOf = (row: { destination: string; audience_key: string }): string => targetKey({ destination: row.destination, audienceKey: row.audience_key });

function describeAudience(
  audience: Audience,
  members: AudienceCounts | undefined,
  deliveries: ReadonlyMap<string, TargetCounts>,
  standings: ReadonlyMap<string, TargetStanding>,
  policies: Policies,
  temporalUi: string | undefined,
): object {
  return {
    audience_key: audience.key,
    description: audience.description,
    owner: audience.owner,
    window: audience.windowMs === null ? null : formatDuration(audience.windowMs),
    excludes: audience.excludes,
    members: { in: members?.in ?? 0, out: members?.out ?? 0, holdout: members?.holdout ?? 0 },
    targets: audience.targets.map((target) => {
      const counts = deliveries.get(targetKey(target));
      const standing = standings.get(targetKey(target));
      const destination = policies.destinations.get(target.destination);
      return {
        destination: target.destination,
        platform: destination?.platform ?? null,
        mode: destination?.mode ?? null,
        platform_audience_id: target.platformAudienceId,
        state: standing?.state ?? 'ok',
        cause: standing?.cause ?? null,
        cure: standing?.cure ?? null,
        since: isoOrNull(standing?.since),
        retry_at: isoOrNull(standing?.retryAt),
        last_success_at: isoOrNull(standing?.lastSuccessAt),
        accepted: counts?.accepted_in ?? 0,
        pending_adds: counts?.pending_adds ?? 0,
        pending_removes: counts?.pending_removes ?? 0,
        oldest_pending: counts?.oldest_pending ?? null,
        rejected: counts?.rejected ?? 0,
        blocked: counts?.blocked ?? 0,
        processing: counts?.processing ?? 0,
        match_rate: standing?.matchRate ?? null,
        workflow_url: workflowUrl(temporalUi, syncWorkflowId(target.destination, target.audienceKey)),
      };
    }),
  };
}

const isoOrNull = (ms: number | null | undefined): string | null => (ms === null || ms === undefined ? null : new Date(ms).toISOString());
