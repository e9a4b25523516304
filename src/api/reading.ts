/** Status out: what became of events, persons and audiences. Reads the ledger, never a platform. */
import { Router, type RequestHandler } from 'express';
import { modeOf, oldestOf, shownStatus, type PendingCounts } from '../domain/holding.ts';
import { describeShares, sharesOf } from '../domain/holdout.ts';
import { formatDuration, targetKey, type Audience, type Policies, type Target } from '../domain/registry.ts';
import { syncWorkflowId } from '../workflows/contract.ts';
import type { AudienceCounts, DeliveryView, Ledger, TargetCounts, TargetStanding } from '../ledger/index.ts';
import { withoutEmail } from './event-from-body.ts';
import { actionRoutes } from './actions.ts';
import { exportRoutes } from './exports.ts';
import { readHeld } from './held.ts';
import { holdsOf, readHolds } from './holds.ts';
import { isoOrNull } from './iso-time.ts';
import { inAudienceNow, savedView, STUCK_SYNCS, thisPerson, workflowUrl } from './workflow-url.ts';
import { readCost, readWatch, type Watched } from './watch.ts';

export interface ReadingOptions {
  ledger: Ledger;
  policies: Policies;
  watching: Watched;
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
  router.get('/v1/audiences/:key/held', readHeld(options));
  router.use(exportRoutes(options));
  router.use(actionRoutes(options));
  return router;
}

function readEvent({ ledger, policies, temporalUi }: ReadingOptions): RequestHandler {
  return async (request, response) => {
    const eventId = String(request.params['event_id']);
    const event = await ledger.readEvent(eventId);
    if (!event) {
      response.status(404).json({ problem: `the ledger knows no event ${eventId.slice(0, 200)}` });
      return;
    }
    const deliveries = await withHeld(ledger, policies, event.person_id, event.deliveries);
    const forward = (await ledger.readForward(eventId)) ?? null;
    response.json({ ...event, deliveries, forward, workflow_url: event.status === 'test' ? null : workflowUrl(temporalUi, eventId) });
  };
}

/** Deliveries as they are shown: what is pending and not pushed for now is held. */
async function withHeld(ledger: Ledger, policies: Policies, personId: string | null, deliveries: readonly DeliveryView[]): Promise<DeliveryView[]> {
  if (personId === null || !deliveries.some(({ status }) => status === 'pending')) return [...deliveries];
  const [goesBy, holds] = [await ledger.readGoesBy(personId), await readHolds(ledger, policies)];
  return deliveries.map((delivery) => ({ ...delivery, status: shownStatus(delivery, holds({ destination: delivery.destination, audienceKey: delivery.audience_key }), goesBy) }));
}

function readPeople({ ledger, policies, emailHash, temporalUi }: ReadingOptions): RequestHandler {
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
    response.json({ people: await Promise.all(people.map(async (person) => ({ ...person, workflows_url: savedView(temporalUi, thisPerson(person.person_id)), deliveries: await withHeld(ledger, policies, person.person_id, person.deliveries) }))) });
  };
}

function readAudiences({ ledger, policies, watching, temporalUi }: ReadingOptions): RequestHandler {
  return async (_request, response) => {
    const audiences = [...policies.audiences.values()];
    response.json({ audiences: await describeAudiences(ledger, audiences, policies, watching, temporalUi), stuck_syncs_url: savedView(temporalUi, STUCK_SYNCS) });
  };
}

function readAudience({ ledger, policies, watching, temporalUi }: ReadingOptions): RequestHandler {
  return async (request, response) => {
    const key = String(request.params['key']);
    const audience = policies.audiences.get(key);
    if (!audience) {
      response.status(404).json({ problem: `there is no audience ${key.slice(0, 120)} in headgate.yaml`, known: [...policies.audiences.keys()] });
      return;
    }
    const [[view], cost] = await Promise.all([describeAudiences(ledger, [audience], policies, watching, temporalUi), readCost(ledger, audience, watching)]);
    response.json({ ...view, cost });
  };
}

async function describeAudiences(ledger: Ledger, audiences: readonly Audience[], policies: Policies, watching: Watched, temporalUi: string | undefined): Promise<object[]> {
  const members = new Map((await ledger.countMembers(audiences)).map((counts) => [counts.audience_key, counts]));
  const deliveries = new Map((await ledger.countDeliveries(audiences.map(({ key }) => key))).map((counts) => [targetKey({ destination: counts.destination, audienceKey: counts.audience_key }), counts]));
  const listed = await ledger.listTargets();
  const standings = new Map(listed.map((standing) => [targetKey(standing), standing]));
  const holds = holdsOf(listed, policies);
  const watch = await readWatch(ledger, policies, watching, audiences.length === 1 ? audiences[0]?.key : undefined);
  const describeTarget = async (target: Target): Promise<object> => {
    const counts = deliveries.get(targetKey(target));
    const all = pendingOf(counts);
    const waiting = await ledger.readWaiting(target, all, holds(target));
    const heldBecause = holds(target).because;
    return {
      destination: target.destination,
      platform: policies.destinations.get(target.destination)?.platform ?? null,
      mode: modeOf(policies, target),
      platform_audience_id: target.platformAudienceId,
      ...describeStanding(standings.get(targetKey(target))),
      accepted: counts?.accepted_in ?? 0,
      pending_adds: waiting.in.count,
      pending_removes: waiting.out.count,
      oldest_pending: isoOrNull(oldestOf(waiting)),
      held_adds: all.in.count - waiting.in.count,
      held_removes: all.out.count - waiting.out.count,
      held_because: heldBecause,
      rejected: counts?.rejected ?? 0,
      blocked: counts?.blocked ?? 0,
      processing: counts?.processing ?? 0,
      workflow_url: workflowUrl(temporalUi, syncWorkflowId(target.destination, target.audienceKey)),
      ...watch(target, { oldestPendingAt: oldestOf(all), lastSuccessAt: standings.get(targetKey(target))?.lastSuccessAt ?? null }),
    };
  };
  return Promise.all(audiences.map(async (audience) => ({ ...describeAudience(audience, members.get(audience.key)), members_url: savedView(temporalUi, inAudienceNow(audience.key)), targets: await Promise.all(audience.targets.map(describeTarget)) })));
}

const describeAudience = (audience: Audience, members: AudienceCounts | undefined): object => ({
  audience_key: audience.key,
  description: audience.description,
  owner: audience.owner,
  window: audience.windowMs === null ? null : formatDuration(audience.windowMs),
  excludes: audience.excludes,
  holdout: describeShares(sharesOf(audience), audience.key),
  rearming: members?.rearming ?? false,
  members: { in: members?.in ?? 0, out: members?.out ?? 0, holdout: members?.holdout ?? 0, former_window: members?.former_window ?? 0 },
});

const describeStanding = (standing: TargetStanding | undefined): object => ({
  state: standing?.state ?? 'ok',
  life: standing?.life ?? 'active',
  cause: standing?.cause ?? null,
  cure: standing?.cure ?? null,
  since: isoOrNull(standing?.since),
  retry_at: isoOrNull(standing?.retryAt),
  last_success_at: isoOrNull(standing?.lastSuccessAt),
  match_rate: standing?.matchRate ?? null,
});

const pendingOf = (counts: TargetCounts | undefined): PendingCounts => ({
  in: { count: counts?.pending_adds ?? 0, oldestAt: counts?.oldest_add?.getTime() ?? null },
  out: { count: counts?.pending_removes ?? 0, oldestAt: counts?.oldest_removal?.getTime() ?? null },
});
