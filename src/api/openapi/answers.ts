/**
 * What the api answers, as schemas: the description of it is made of them (operations.ts), and test/service/openapi.test.ts holds the
 * running service to them. They are closed there: an answer with a field that stands nowhere here fails the test.
 */
import { z } from 'zod';
import { FORWARD_STATES } from '../../domain/forward.ts';
import { EXPOSURE_COLUMNS, REQUIRED_EXPOSURE_COLUMNS, type ExposureColumnType } from '../../domain/exposure-columns.ts';
import { named } from './named-answers.ts';
import { cost, watchFields } from './watching-answers.ts';

const time = z.iso.datetime();
const count = z.int().min(0);
const state = z.enum(['in', 'out']);
export const decision = z.enum(['applied', 'superseded', 'held_out', 'expired', 'test']);
const syncState = z.enum(['ok', 'throttled', 'retrying', 'stuck', 'paused']);
const object = z.record(z.string(), z.unknown());

export const problem = named('Problem', z.object({ path: z.string().describe('The field, such as `profile.birth_date`; empty for the whole body.'), message: z.string().describe('What is wrong with it, and what to do.') }));

export const refusal = named(
  'Refusal',
  z.object({
    status: z.enum(['invalid', 'unauthorised', 'unavailable']).optional(),
    problem: z.string().describe('A sentence for people: what is wrong, and what to do.'),
    known: z.array(z.string()).optional().describe('What there is instead of what was asked for.'),
    people: z.array(z.never()).optional(),
  }),
  'Nothing was done.',
);

const eventId = z.string().describe('Of the event. Asked for by `GET /v1/events/{event_id}`.');
export const decided = {
  audience: state.optional().describe('Where the person is after it; absent where there is no audience.'),
  until: time.optional().describe('When the window ends; absent without a window, and when out.'),
};
export const webhookTaken = named(
  'WebhookTaken',
  z.object({
    status: z.enum([...decision.options, 'duplicate']).describe(
      '`applied`: decided. `superseded`: something newer is known. `held_out`: applied, but the person is in the holdout, and is not pushed. `expired`: its window was over on arrival. `test`: a preview of Customer.io, nothing was decided. `duplicate`: known already, with the first decision.',
    ),
    event_id: eventId,
    first: decision.optional().describe('Of a duplicate: what was decided the first time.'),
    ...decided,
  }),
  'Small and flat, because Customer.io can store it on the person.',
);
export const webhookQueued = named('WebhookQueued', z.object({ status: z.literal('queued'), event_id: eventId }), 'The ledger does not answer: the event is kept in Temporal and decided later, as of now.');
export const webhookConflict = named('WebhookConflict', z.object({ status: z.literal('conflict'), event_id: eventId, problem: z.string() }), 'Kept in quarantine.');
export const webhookInvalid = named('WebhookInvalid', z.object({ status: z.literal('invalid'), event_id: eventId.optional(), problems: z.array(problem).min(1) }), 'Kept in quarantine.');
export const reportTaken = named(
  'ReportTaken',
  z.object({
    status: z.enum(['applied', 'duplicate', 'quarantined']).describe('`quarantined`: not understood, kept for a person to look at. Answered with 200 all the same: Customer.io stops its whole feed at a 4xx.'),
    event_id: eventId.optional(),
    problems: z.array(problem).optional().describe('Why it is in quarantine.'),
  }),
);

const membership = named(
  'Membership',
  z.object({
    audience_key: z.string(),
    state,
    reason: z.enum(['added', 'removed', 'excluded', 'consent_denied', 'reported', 'expired', 'retired', 'erased']),
    occurred_at: time.describe('When that happened which decided it.'),
    event_id: z.string().describe('The event that decided it.'),
    expires_at: time.nullable(),
    arm: z.enum(['treatment', 'holdout']),
    updated_at: time,
  }),
  'Whether a person is in an audience, and why.',
);
const delivery = named(
  'Delivery',
  z.object({
    destination: z.string(),
    audience_key: z.string(),
    wanted: state,
    status: z.enum(['pending', 'processing', 'accepted', 'rejected', 'blocked', 'held']).describe(
      '`processing`: the platform has taken it in and decides later. `blocked`: the platform refuses this removal for now. `held`: waits because the destination is paused or in test mode.',
    ),
    accepted: state.nullable().describe('What the platform accepted last.'),
    reason: z.string().nullable().describe("In the platform's words, why it is not accepted."),
    pending_since: time.nullable(),
    settled_at: time.nullable(),
  }),
  'How far one platform is with a membership.',
);
const eventFields = {
  event_id: z.string(),
  source: z.string(),
  name: z.string().describe('Such as `cio.audience_add`; of the reporting feed `cio.report`.'),
  audience_key: z.string().nullable(),
  person_id: z.string().nullable(),
  occurred_at: time,
  received_at: time,
  claimed_at: time.nullable().describe('What the body said, when that lay too far in the future to be believed.'),
  status: decision,
  audience: state.nullable(),
  until: time.nullable(),
  channel: z.string().nullable().describe('Of reports: `email`, `push` …'),
  metric: z.string().nullable().describe('Of reports: `sent`, `opened` …'),
  context: object.nullable(),
  attributes: object.nullable(),
};
const event = named('Event', z.object(eventFields));
const forward = named(
  'Forward',
  z.object({
    action: z.string(),
    state: z.enum(FORWARD_STATES).describe('`refused`: the tool does not take it, whatever is tried. `skipped`: not sent, because the action is in mode `test`.'),
    attempts: count,
    accepted_at: time,
    tried_at: time.nullable(),
    next_try_at: time.nullable(),
    settled_at: time.nullable(),
    status: z.int().nullable().describe('HTTP, of the last answer.'),
    answer: z.string().nullable().describe('The last answer of the tool.'),
    reason: z.string().nullable().describe('Why it is not sent.'),
  }),
  'How far an event is on its way to its action.',
);
export const eventDetails = named(
  'EventDetails',
  z.object({ ...eventFields, membership: membership.nullable(), deliveries: z.array(delivery), forward: forward.nullable().describe('Of a `cio.forward`.'), workflow_url: z.string().nullable().describe('In the Temporal UI, when its address is known.') }),
);
const person = named(
  'Person',
  z.object({
    person_id: z.string(),
    people: z.string().describe('Whose customer ids these are: sources may keep theirs apart.'),
    customer_id: z.string().nullable(),
    cio_ids: z.array(z.string()),
    email_hashes: z.array(z.string()).describe('SHA-256, lower-case hex.'),
    created_at: time,
    workflows_url: z.string().nullable().describe('A view of the Temporal UI.'),
    memberships: z.array(membership),
    deliveries: z.array(delivery),
    events: z.array(event).describe('The newest 100.'),
  }),
);
export const people = named('People', z.object({ people: z.array(person) }));

const target = named(
  'Target',
  z.object({
    destination: z.string(),
    platform: z.string().nullable(),
    mode: z.enum(['live', 'test', 'paused']),
    platform_audience_id: z.string(),
    state: syncState,
    life: z.enum(['active', 'absent', 'retiring', 'retired', 'kept']),
    cause: z.string().nullable().describe("What is wrong, in the platform's words."),
    cure: z.string().nullable().describe('What to do about it.'),
    since: time.nullable(),
    retry_at: time.nullable(),
    last_success_at: time.nullable(),
    match_rate: z.string().nullable(),
    accepted: count.describe('Members that the platform has accepted.'),
    pending_adds: count,
    pending_removes: count,
    oldest_pending: time.nullable(),
    held_adds: count,
    held_removes: count,
    held_because: z.string().nullable(),
    rejected: count,
    blocked: count,
    processing: count,
    workflow_url: z.string().nullable(),
    ...watchFields,
  }),
  'An audience at one destination.',
);
const audienceFields = {
  audience_key: z.string(),
  description: z.string(),
  owner: z.looseObject({ name: z.string() }),
  window: z.string().nullable().describe('How long an add lasts, such as `7d`.'),
  excludes: z.array(z.string()).describe('Entering this audience leaves these.'),
  holdout: z.string(),
  rearming: z.boolean().describe('Members are being moved to the arm that the shares of now give.'),
  members: z.object({ in: count, out: count, holdout: count, former_window: count.describe('Who are in, by another window than that of now.') }),
  members_url: z.string().nullable().describe('A view of the Temporal UI.'),
  targets: z.array(target),
};
const audience = named('Audience', z.object(audienceFields));
export const audienceDetails = named('AudienceDetails', z.object({ ...audienceFields, cost }));
export const audiences = named('Audiences', z.object({ audiences: z.array(audience), stuck_syncs_url: z.string().nullable().describe('A view of the Temporal UI.') }));
export const held = named(
  'Held',
  z.object({
    audience_key: z.string(),
    targets: z.array(
      z.object({
        destination: z.string(),
        platform: z.string(),
        because: z.string().nullable(),
        adds: count,
        removes: count,
        members: z.array(
          z.object({
            customer_id: z.string().nullable(),
            person_id: z.string(),
            operation: z.enum(['add', 'remove']),
            since: time,
            identifiers: z.array(z.object({ type: z.string(), value: z.string().nullable().describe('A hash; what a platform takes in the clear is not shown.') })),
          }),
        ),
      }),
    ),
  }),
);

const exportFields = {
  exporter: z.string(),
  state: syncState,
  cause: z.string().nullable(),
  cure: z.string().nullable(),
  failures: count,
  since: time.nullable(),
  last_success_at: time.nullable(),
  caught_up_at: time.nullable().describe('When the warehouse last had everything.'),
  exported_rows: count,
  unsent_rows: count.describe('Counted up to 10,000.'),
  oldest_unsent: time.nullable(),
  parked_rows: count.describe('Rows that the warehouse refuses.'),
  workflow_url: z.string().nullable(),
};
export const exportStandings = named('Exports', z.object({ exports: z.array(named('Export', z.object(exportFields))) }));
export const exportDetails = named(
  'ExportDetails',
  z.object({ ...exportFields, parked: z.array(z.object({ event_id: z.string(), occurred_at: z.string(), reason: z.string(), parked_at: time.nullable() })).describe('The oldest 100.') }),
);

const COLUMN: Record<ExposureColumnType, z.ZodType> = { text: z.string(), time: z.iso.datetime(), boolean: z.boolean(), json: object };
const required = new Set<string>(REQUIRED_EXPOSURE_COLUMNS);
export const exposureRow = named(
  'ExposureRow',
  z.object(Object.fromEntries(Object.entries(EXPOSURE_COLUMNS).map(([name, type]) => [name, required.has(name) ? COLUMN[type] : COLUMN[type].nullable()]))),
  "One line of the analyst's rows (docs/analytics.md).",
);
export const imported = named(
  'Imported',
  z.object({
    imported: count,
    duplicates: count,
    rejected: count,
    results: z.array(
      z.object({ line: z.int().min(1), outcome: z.enum(['imported', 'duplicate', 'rejected']), event_id: z.string().optional(), problems: z.array(problem).optional() }),
    ),
  }),
);
