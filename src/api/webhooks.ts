/** The door: `POST /v1/webhooks/:source`, and `/reporting` below it for Customer.io's reporting feed. Answers are small flat JSON, because Customer.io can store them on the person. */
import { Router, raw, type Request, type RequestHandler, type Response } from 'express';
import { describeUse, type Decision, type HeadgateEvent } from '../domain/event.ts';
import type { Problem, QuarantineEntry } from '../domain/quarantine.ts';
import type { Policies } from '../domain/registry.ts';
import type { ReportPolicy } from '../domain/report.ts';
import type { Feed } from '../ledger/index.ts';
import type { Logger } from '../monitoring/logger.ts';
import type { Metrics } from '../monitoring/metrics.ts';
import { now, placeOfEvent, within, type Tracing } from '../monitoring/tracing.ts';
import { admit } from './admission.ts';
import { eventFromBody, type EventContext, type Identify } from './event-from-body.ts';
import { NothingTookIt, type GroupCommit, type Taken } from './group-commit.ts';
import { keepBody } from './keep-body.ts';
import { namesFor } from './registry-names.ts';
import { keepReport, reportFromBody, type ReportContext } from './report-from-body.ts';
import { whyUnauthorised, type Credentials } from './verify-signature.ts';

/** A source as the door needs it. */
export interface DoorSource extends Credentials {
  name: string;
  people: string;
  /** How phones without country code are read. */
  phoneCountry?: string | undefined;
  /** Keys of the reporting webhook, and what its events do. */
  reportingSecrets: readonly string[];
  reports: ReportPolicy;
}

export interface DoorOptions {
  sources: ReadonlyMap<string, DoorSource>;
  policies: Policies;
  identify: Identify;
  commit: GroupCommit;
  /** Counts an answer for the monitor. */
  count: (source: string, feed: Feed, answer: string) => void;
  logger: Logger;
  metrics: Metrics;
  tracer?: Tracing;
}

/** Largest body in bytes. Customer.io's own attributes are at most 100 KiB each. */
const LARGEST_BODY = 256 * 1024;
/** A report may carry the whole e-mail that was sent, where Customer.io is set to say so. Bytes. */
const LARGEST_REPORT = 8 * 1024 * 1024;
/** Of all bodies that are being read or decided: 250,000 usual ones, or 1,024 of the largest. Bytes. */
const MOST_BODY_BYTES = 256 * 1024 * 1024;
const MOST_REPORT_BYTES = 128 * 1024 * 1024;
const RETRY_AFTER_SECONDS = 5;

const NOT_STORED = { status: 'unavailable', problem: 'the event is not stored: send it again' };

interface Answer {
  code: number;
  body: { status: string } & Record<string, unknown>;
}

export function webhookRoutes(options: DoorOptions): Router {
  const router = Router();
  const readRaw = raw({ type: () => true, limit: LARGEST_BODY, inflate: false });
  const handler = (answer: typeof answerTo, feed: Feed): RequestHandler => async (request, response) => {
    const stop = options.metrics.answerSeconds.startTimer();
    const beganAt = now();
    const { code, body } = await answer(request, options);
    stop();
    traceWebhook(options.tracer, request, { code, body }, beganAt);
    const source = options.sources.get(sourceName(request))?.name ?? 'unknown';
    options.metrics.answers.inc({ source, status: body.status });
    options.count(source, feed, body.status);
    if (code === 503) response.set('Retry-After', String(RETRY_AFTER_SECONDS));
    response.status(code).json(body);
  };
  const refuse: RequestHandler = (_request, response) => {
    response.set('Retry-After', String(RETRY_AFTER_SECONDS)).status(503).json(NOT_STORED);
  };
  const admission = admit({ mostBytes: MOST_BODY_BYTES, largestBody: LARGEST_BODY, metrics: options.metrics, refuse });
  router.route('/v1/webhooks/:source').post(requireJson, admission, readRaw, handler(answerTo, 'webhooks')).all(onlyPost);
  // Whatever it says of itself: a 4xx would stop the whole feed.
  const admitReport = admit({ mostBytes: MOST_REPORT_BYTES, largestBody: LARGEST_REPORT, metrics: options.metrics, refuse });
  router.route('/v1/webhooks/:source/reporting').post(admitReport, raw({ type: () => true, limit: LARGEST_REPORT, inflate: false }), handler(answerToReport, 'reporting')).all(onlyPost);
  return router;
}

/** The first span of an event's trace. Another webhook with the same id is a part of it; one of which no event came has none. */
function traceWebhook(tracer: Tracing, request: Request, { code, body }: Answer, beganAt: number): void {
  const eventId = body['event_id'];
  if (!tracer || typeof eventId !== 'string' || eventId === UNSENT) return;
  const place = placeOfEvent(eventId);
  const isFirst = FIRST_ANSWERS.has(body.status);
  tracer.record({
    place: isFirst ? place : within(place),
    name: 'webhook',
    kind: 'server',
    beganAt,
    endedAt: now(),
    attributes: { event_id: eventId, source: sourceName(request), status: body.status, 'http.request.method': 'POST', 'http.response.status_code': code },
  });
}

const FIRST_ANSWERS = new Set(['applied', 'superseded', 'held_out', 'expired', 'queued']);
/** Shown for the id of a test that Customer.io sends by its button. */
const UNSENT = 'unsent';

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

interface Authentic {
  source: DoorSource;
  text: string;
  receivedAt: number;
}

/** The source and body of a request, or why it is not taken. @param credentialsOf those of the route */
function authenticate(request: Request, { sources }: DoorOptions, credentialsOf: (source: DoorSource) => Credentials): Authentic | Answer {
  const receivedAt = Date.now();
  const source = sources.get(sourceName(request));
  if (!source) return { code: 404, body: { status: 'invalid', problem: `there is no source ${JSON.stringify(sourceName(request).slice(0, 80))} in headgate.yaml` } };
  const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
  const why = whyUnauthorised(
    { signature: request.get('x-cio-signature'), timestamp: request.get('x-cio-timestamp'), authorization: request.get('authorization'), body },
    credentialsOf(source),
    receivedAt,
  );
  if (why !== undefined) return { code: 401, body: { status: 'unauthorised', problem: why } };
  return { source, text: body.toString('utf8'), receivedAt };
}

async function answerTo(request: Request, options: DoorOptions): Promise<Answer> {
  const authentic = authenticate(request, options, (source) => source);
  if ('code' in authentic) return authentic;
  const { source, text, receivedAt } = authentic;
  const context: EventContext = {
    source: source.name,
    people: source.people,
    phoneCountry: source.phoneCountry,
    receivedAt,
    ...namesFor(options.policies, source.name),
    identify: options.identify,
  };
  const understood = eventFromBody(text, context);
  try {
    if ('problems' in understood) return await refuse(options, context, text, understood);
    const taken = await options.commit.submit(understood.event);
    return await answerFor(options, context, understood.event, taken, text);
  } catch (error) {
    if (!(error instanceof NothingTookIt)) options.logger.error({ err: error, source: source.name }, 'A webhook could not be handled.');
    return { code: 503, body: NOT_STORED };
  }
}

/** Never a 4xx to a signed body: Customer.io would wait an hour, and send nothing else meanwhile. What is not understood waits in quarantine. */
async function answerToReport(request: Request, options: DoorOptions): Promise<Answer> {
  const authentic = authenticate(request, options, (source) => ({ ...source, signingSecrets: source.reportingSecrets }));
  if ('code' in authentic) return authentic;
  const { source, text, receivedAt } = authentic;
  const context: ReportContext = { source: source.name, people: source.people, receivedAt, identify: options.identify, policy: source.reports };
  const keep = async (reason: QuarantineEntry['reason'], problems: Problem[], eventId: string | undefined): Promise<Answer> => {
    await options.commit.quarantine({ ...keepReport(text, context), receivedAt, reason, problems, ...(eventId === undefined ? {} : { eventId }) });
    options.logger.warn({ source: source.name, event_id: eventId, problems }, 'A reporting webhook is not understood; it is kept in quarantine.');
    return { code: 200, body: { status: 'quarantined', ...(eventId === undefined ? {} : { event_id: eventId }), problems } };
  };
  const understood = reportFromBody(text, context);
  try {
    if ('problems' in understood) return await keep('invalid', understood.problems, understood.eventId);
    const { eventId } = understood.event;
    const taken = await options.commit.submit(understood.event);
    if (taken.kind === 'conflict') return await keep('conflict', [{ path: 'event_id', message: `was already used ${describeUse({ ...taken.known, audienceKey: null, action: null }, understood.event)}` }], eventId);
    if (taken.kind === 'refused') return await keep('invalid', [{ path: '', message: taken.problem }], eventId);
    if (taken.kind === 'queued') return { code: 202, body: { status: 'queued', event_id: eventId } };
    return { code: 200, body: { status: taken.kind === 'duplicate' ? 'duplicate' : 'applied', event_id: eventId } };
  } catch (error) {
    if (!(error instanceof NothingTookIt)) options.logger.error({ err: error, source: source.name }, 'A reporting webhook could not be handled.');
    return { code: 503, body: NOT_STORED };
  }
}

async function answerFor(options: DoorOptions, context: EventContext, event: HeadgateEvent, taken: Taken, text: string): Promise<Answer> {
  const shownId = event.test ? UNSENT : event.eventId;
  switch (taken.kind) {
    case 'decided':
      return { code: 200, body: { status: taken.decision.status, event_id: shownId, ...describe(taken.decision) } };
    case 'duplicate':
      return { code: 200, body: { status: 'duplicate', event_id: shownId, first: taken.decision.status, ...describe(taken.decision) } };
    case 'queued':
      return { code: 202, body: { status: 'queued', event_id: shownId } };
    case 'conflict': {
      const problem = `this event_id was already used ${describeUse(taken.known, event)}: give each webhook of a template an id of its own`;
      await options.commit.quarantine({
        ...keepBody(text, context),
        receivedAt: event.receivedAt,
        reason: 'conflict',
        eventId: event.eventId,
        problems: [{ path: 'event_id', message: problem }],
      });
      options.logger.warn({ event_id: event.eventId, source: event.source, audience: event.audienceKey }, `Conflict: ${problem}.`);
      return { code: 409, body: { status: 'conflict', event_id: shownId, problem } };
    }
    case 'unknown_audience':
    case 'refused': {
      const message = taken.kind === 'refused' ? taken.problem : `there is no audience ${taken.audienceKey}`;
      return refuse(options, context, text, { problems: [{ path: '', message }], eventId: event.eventId });
    }
  }
}

const describe = (decision: Decision): { audience?: string; until?: string } => ({
  ...(decision.audience ? { audience: decision.audience } : {}),
  ...(decision.until === undefined ? {} : { until: new Date(decision.until).toISOString() }),
});

async function refuse(
  options: DoorOptions,
  context: EventContext,
  text: string,
  { problems, eventId }: { problems: Problem[]; eventId?: string },
): Promise<Answer> {
  await options.commit.quarantine({
    ...keepBody(text, context),
    receivedAt: context.receivedAt,
    reason: 'invalid',
    ...(eventId === undefined ? {} : { eventId }),
    problems,
  });
  options.logger.warn({ source: context.source, event_id: eventId, problems }, 'A signed webhook is invalid; it is kept in quarantine.');
  return { code: 422, body: { status: 'invalid', ...(eventId === undefined ? {} : { event_id: eventId }), problems } };
}
