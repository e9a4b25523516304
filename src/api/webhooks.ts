/** The door: `POST /v1/webhooks/:source`. Answers are small flat JSON, because Customer.io can store them on the person. */
import { Router, raw, type Request, type RequestHandler, type Response } from 'express';
import type { Decision, HeadgateEvent, PersonClaim } from '../domain/event.ts';
import type { IdentifiersByPlatform, RawPerson } from '../domain/identifiers.ts';
import type { Problem } from '../domain/quarantine.ts';
import type { Policies } from '../domain/registry.ts';
import type { Logger } from '../monitoring/logger.ts';
import type { Metrics } from '../monitoring/metrics.ts';
import { eventFromBody } from './event-from-body.ts';
import { NothingTookIt, type GroupCommit, type Taken } from './group-commit.ts';
import { redactBody } from './redact.ts';
import { whyUnauthorised, type Credentials } from './verify-signature.ts';

/** A source as the door needs it. */
export interface DoorSource extends Credentials {
  name: string;
  people: string;
  /** How phones without country code are read. */
  phoneCountry?: string | undefined;
}

export interface DoorOptions {
  sources: ReadonlyMap<string, DoorSource>;
  policies: Policies;
  identify: (person: RawPerson) => { claim: Partial<PersonClaim>; identifiers: IdentifiersByPlatform };
  commit: GroupCommit;
  logger: Logger;
  metrics: Metrics;
}

/** Largest body in bytes. Customer.io's own attributes are at most 100 KiB each. */
const LARGEST_BODY = 256 * 1024;
const RETRY_AFTER_SECONDS = 5;

interface Answer {
  code: number;
  body: { status: string } & Record<string, unknown>;
}

export function webhookRoutes(options: DoorOptions): Router {
  const router = Router();
  const readRaw = raw({ type: () => true, limit: LARGEST_BODY, inflate: false });
  const handle: RequestHandler = async (request, response) => {
    const stop = options.metrics.answerSeconds.startTimer();
    const { code, body } = await answerTo(request, options);
    stop();
    options.metrics.answers.inc({ source: options.sources.get(sourceName(request))?.name ?? 'unknown', status: body.status });
    if (code === 503) response.set('Retry-After', String(RETRY_AFTER_SECONDS));
    response.status(code).json(body);
  };
  router.route('/v1/webhooks/:source').post(requireJson, readRaw, handle).all(onlyPost);
  return router;
}

const onlyPost = (_request: Request, response: Response): void => {
  response.set('Allow', 'POST').status(405).json({ status: 'invalid', problem: 'webhooks are posted' });
};

/** Customer.io's default content type is unconfirmed, so one that is not given counts as JSON. */
const requireJson: RequestHandler = (request, response, next) => {
  const type = request.headers['content-type'];
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if ((type !== undefined && !/^application\/([\w.-]+\+)?json\b/i.test(type)) || encoding !== 'identity') {
    response.status(415).json({ status: 'invalid', problem: 'the body must be application/json, not compressed' });
    return;
  }
  next();
};

const sourceName = (request: Request): string => String(request.params['source']);

async function answerTo(request: Request, options: DoorOptions): Promise<Answer> {
  const receivedAt = Date.now();
  const source = options.sources.get(sourceName(request));
  if (!source) return { code: 404, body: { status: 'invalid', problem: `there is no source ${JSON.stringify(sourceName(request).slice(0, 80))} in headgate.yaml` } };
  const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
  const why = whyUnauthorised(
    { signature: request.get('x-cio-signature'), timestamp: request.get('x-cio-timestamp'), authorization: request.get('authorization'), body },
    source,
    receivedAt,
  );
  if (why !== undefined) return { code: 401, body: { status: 'unauthorised', problem: why } };

  const text = body.toString('utf8');
  const understood = eventFromBody(text, {
    source: source.name,
    people: source.people,
    phoneCountry: source.phoneCountry,
    receivedAt,
    hasAudience: (key) => options.policies.audiences.has(key),
    identify: options.identify,
  });
  try {
    if ('problems' in understood) return await refuse(options, source, receivedAt, text, understood);
    const taken = await options.commit.submit(understood.event);
    return await answerFor(options, understood.event, taken, text);
  } catch (error) {
    if (!(error instanceof NothingTookIt)) options.logger.error({ err: error, source: source.name }, 'A webhook could not be handled.');
    return { code: 503, body: { status: 'unavailable', problem: 'the event is not stored: send it again' } };
  }
}

async function answerFor(options: DoorOptions, event: HeadgateEvent, taken: Taken, text: string): Promise<Answer> {
  const shownId = event.test ? 'unsent' : event.eventId;
  switch (taken.kind) {
    case 'decided':
      return { code: 200, body: { status: taken.decision.status, event_id: shownId, ...describe(taken.decision) } };
    case 'duplicate':
      return { code: 200, body: { status: 'duplicate', event_id: shownId, first: taken.decision.status, ...describe(taken.decision) } };
    case 'queued':
      return { code: 202, body: { status: 'queued', event_id: shownId } };
    case 'conflict': {
      const known = [taken.known.name, taken.known.audienceKey].filter((part) => part !== null).join(' ');
      const problem = `this event_id was already used for ${known}: give each webhook of a template an id of its own`;
      await options.commit.quarantine({
        source: event.source,
        receivedAt: event.receivedAt,
        reason: 'conflict',
        eventId: event.eventId,
        problems: [{ path: 'event_id', message: problem }],
        body: redactBody(text),
      });
      options.logger.warn({ event_id: event.eventId, source: event.source, audience: event.audienceKey }, `Conflict: ${problem}.`);
      return { code: 409, body: { status: 'conflict', event_id: shownId, problem } };
    }
    case 'unknown_audience':
    case 'refused': {
      const message = taken.kind === 'refused' ? taken.problem : `there is no audience ${taken.audienceKey}`;
      const source = { name: event.source };
      return refuse(options, source, event.receivedAt, text, { problems: [{ path: '', message }], eventId: event.eventId });
    }
  }
}

const describe = (decision: Decision): { audience?: string; until?: string } => ({
  ...(decision.audience ? { audience: decision.audience } : {}),
  ...(decision.until === undefined ? {} : { until: new Date(decision.until).toISOString() }),
});

async function refuse(
  options: DoorOptions,
  source: { name: string },
  receivedAt: number,
  text: string,
  { problems, eventId }: { problems: Problem[]; eventId?: string },
): Promise<Answer> {
  await options.commit.quarantine({
    source: source.name,
    receivedAt,
    reason: 'invalid',
    ...(eventId === undefined ? {} : { eventId }),
    problems,
    body: redactBody(text),
  });
  options.logger.warn({ source: source.name, event_id: eventId, problems }, 'A signed webhook is invalid; it is kept in quarantine.');
  return { code: 422, body: { status: 'invalid', ...(eventId === undefined ? {} : { event_id: eventId }), problems } };
}
