/** The description of what can be read: events, people, audiences, what is held, exports. */
import { z } from 'zod';
import { audienceDetails, audiences, eventDetails, exportDetails, exportStandings, held, people, refusal } from './answers.ts';
import { waveExample } from './guard.ts';
import type { Operation } from './operation.ts';

const AUDIENCE = 'high_intent_cart_7d_v1';
const inPath = { key: 'An audience of headgate.yaml.' };
const unknownAudience = { status: 404, body: { problem: 'there is no audience cart_v9 in headgate.yaml', known: [AUDIENCE] } };
const time = '2026-11-30T10:00:00.000Z';

const targetExample = {
  destination: 'meta_main', platform: 'meta', mode: 'live', platform_audience_id: '6000000000001', state: 'ok', life: 'active', cause: null, cure: null, since: time, retry_at: null, last_success_at: time, match_rate: null,
  accepted: 9_000, pending_adds: 0, pending_removes: 0, oldest_pending: null, held_adds: 0, held_removes: 4_100, held_because: null, rejected: 0, blocked: 0, processing: 0, workflow_url: null,
  guard: [waveExample],
  clocks: { accepted_until: time, last_success_at: time, adds_effective_by: '2026-11-30T11:00:00.000Z', removals_effective_by: '2026-12-01T10:00:00.000Z', read_back_at: time, source: 'the help pages of the platform (read 2026-11)' },
  size: { read_at: time, at_least: 6_900, at_most: 7_100, taken_in: 9_000, entering: 0, leaving: 0, verdict: 'explained', message: 'tells 6900 to 7100, 79 % of the 9000 that it took in', failure: null },
  drift: null, too_small: null,
};
const audienceExample = {
  audience_key: AUDIENCE, description: 'High intent, cart abandoners (7d)', owner: { name: 'Retention' }, window: '7d', excludes: [], holdout: 'none', rearming: false, members: { in: 4_900, out: 4_100, holdout: 0, former_window: 0 }, members_url: null, targets: [targetExample],
};
const moneyExample = { currency: 'USD', temporal: 1.3, platform: null, warehouse: null, total: 1.3 };
const costExample = {
  events: { events: 9_000, temporal_actions: 25_600, rows: 9_000, days: 30 }, targets: [{ destination: 'meta_main', calls: 120, members: 9_000, temporal_actions: 240, days: 30, monthly: moneyExample }], monthly: moneyExample,
};
const membershipExample = { audience_key: AUDIENCE, state: 'out', reason: 'removed', occurred_at: time, event_id: 'example-remove-1', expires_at: null, arm: 'treatment', updated_at: time };
const deliveryExample = { destination: 'meta_main', audience_key: AUDIENCE, wanted: 'out', status: 'accepted', accepted: 'out', reason: null, pending_since: null, settled_at: time };
const eventExample = {
  event_id: 'example-add-1', source: 'demo', name: 'cio.audience_add', audience_key: AUDIENCE, person_id: 'p_01a229e3b3758602e7e8a8ec0006', occurred_at: time, received_at: time, claimed_at: null, status: 'applied', audience: 'in', until: '2026-12-07T10:00:00.000Z',
  channel: null, metric: null, context: { campaign_id: 7, campaign_name: 'Cart abandoners' }, attributes: { cart_value: 182.5 },
};

const forwardExample = { action: 'ops_slack', state: 'sent', attempts: 1, accepted_at: time, tried_at: time, next_try_at: null, settled_at: time, status: 200, answer: 'ok', reason: null };

export const readingOperations: Operation[] = [
  {
    id: 'readEvent', method: 'get', path: '/v1/events/{event_id}', group: 'Events and people', guard: 'reading',
    summary: 'What became of an event',
    inPath: { event_id: 'As it was sent, or as the answer to it said.' },
    answers: { 200: { description: 'The event, the membership that it is about as it is now, and the platforms.', schema: eventDetails }, 404: { description: 'The ledger knows no such event.', schema: refusal } },
    examples: [
      { name: 'add', summary: 'An add', path: { event_id: 'example-add-1' }, answer: { status: 200, body: { ...eventExample, membership: membershipExample, deliveries: [deliveryExample], forward: null, workflow_url: null } } },
      {
        name: 'forward', summary: 'What was told to another tool', path: { event_id: 'example-forward-1' },
        answer: { status: 200, body: { ...eventExample, event_id: 'example-forward-1', name: 'cio.forward', audience_key: null, audience: null, until: null, membership: null, deliveries: [], forward: forwardExample, workflow_url: null } },
      },
      { name: 'unknown', summary: 'An event that is not known', path: { event_id: 'nothing' }, answer: { status: 404, body: { problem: 'the ledger knows no event nothing' } } },
    ],
  },
  {
    id: 'readPeople', method: 'get', path: '/v1/people', group: 'Events and people', guard: 'reading',
    summary: 'Why a person is in which audience',
    description: 'Ask by exactly one of the four. More than one person is answered only where sources keep their customer ids apart.',
    query: {
      schema: z.object({ customer_id: z.string().optional(), cio_id: z.string().optional(), email: z.string().optional(), person_id: z.string().optional() }),
      descriptions: { customer_id: 'Your own id.', cio_id: "Customer.io's id.", email: 'Hashed before it is looked for.', person_id: "Headgate's id." },
    },
    answers: {
      200: { description: 'Memberships, platforms and the timeline, the newest first.', schema: people },
      400: { description: 'Asked by none, by several, or by an e-mail that is none.', schema: refusal },
      404: { description: 'Nobody goes by it.', schema: refusal },
    },
    examples: [
      {
        name: 'by_customer_id', summary: 'By your own id', query: { customer_id: 'c_example' },
        answer: {
          status: 200,
          body: { people: [{ person_id: 'p_01a229e3b3758602e7e8a8ec0006', people: 'demo', customer_id: 'c_example', cio_ids: ['d9c106000001'], email_hashes: ['b5fc85e55755f9e0d030a14ab4429b6b2944855f4e0d6b6d9e2d63cb72e0b6d9'], created_at: time, workflows_url: null, memberships: [membershipExample], deliveries: [deliveryExample], events: [eventExample] }] },
        },
      },
      { name: 'by_nothing', summary: 'By nothing', answer: { status: 400, body: { problem: 'ask by exactly one of customer_id, cio_id, email and person_id' } } },
      { name: 'nobody', summary: 'Somebody who is not known', query: { customer_id: 'nobody' }, answer: { status: 404, body: { problem: 'nobody goes by this customer_id', people: [] } } },
    ],
  },
  {
    id: 'listAudiences', method: 'get', path: '/v1/audiences', group: 'Audiences', guard: 'reading',
    summary: 'All audiences with their targets',
    answers: { 200: { description: 'In the order of headgate.yaml.', schema: audiences } },
    examples: [{ name: 'all', summary: 'All of them', answer: { status: 200, body: { audiences: [audienceExample], stuck_syncs_url: null } } }],
  },
  {
    id: 'readAudience', method: 'get', path: '/v1/audiences/{key}', group: 'Audiences', guard: 'reading',
    summary: 'Members of an audience, how its targets stand, what is stuck and why',
    inPath,
    answers: { 200: { description: 'The audience.', schema: audienceDetails }, 404: { description: 'headgate.yaml has no such audience.', schema: refusal } },
    examples: [
      { name: 'cart', summary: 'An audience', path: { key: AUDIENCE }, answer: { status: 200, body: { ...audienceExample, cost: costExample } } },
      { name: 'unknown', summary: 'An audience that does not exist', path: { key: 'cart_v9' }, answer: unknownAudience },
    ],
  },
  {
    id: 'readHeld', method: 'get', path: '/v1/audiences/{key}/held', group: 'Audiences', guard: 'reading',
    summary: 'What would be sent to the platforms, if nothing were held',
    inPath,
    query: {
      schema: z.object({ destination: z.string().optional(), limit: z.int().min(0).max(1_000).default(20).optional() }),
      descriptions: { destination: 'Only there.', limit: 'People shown for each target.' },
    },
    answers: { 200: { description: 'Removals first, the oldest first.', schema: held }, 400: { description: 'A limit that is none.', schema: refusal }, 404: { description: 'No such audience, or no target of it there.', schema: refusal } },
    examples: [
      { name: 'cart', summary: 'An audience', path: { key: AUDIENCE }, query: { limit: 5 }, answer: { status: 200, body: { audience_key: AUDIENCE, targets: [{ destination: 'meta_main', platform: 'meta', because: null, adds: 0, removes: 0, members: [] }] } } },
      { name: 'elsewhere', summary: 'A destination where it has no target', path: { key: AUDIENCE }, query: { destination: 'nowhere' }, answer: { status: 404, body: { problem: `${AUDIENCE} has no target at "nowhere" in headgate.yaml` } } },
      { name: 'too_many', summary: 'Too many at once', path: { key: AUDIENCE }, query: { limit: 5_000 }, answer: { status: 400, body: { problem: 'limit must be a number up to 1000' } } },
    ],
  },
  {
    id: 'listExports', method: 'get', path: '/v1/exports', group: 'Exposures', guard: 'reading',
    summary: 'How exports to warehouses stand',
    answers: { 200: { description: 'Every exporter that has run.', schema: exportStandings } },
    examples: [{ name: 'all', summary: 'All of them', answer: { status: 200, body: { exports: [] } } }],
  },
  {
    id: 'readExport', method: 'get', path: '/v1/exports/{exporter}', group: 'Exposures', guard: 'reading',
    summary: 'One export, with the rows that the warehouse refuses',
    inPath: { exporter: 'An exporter of headgate.yaml.' },
    answers: { 200: { description: 'The export.', schema: exportDetails }, 404: { description: 'No such export has run.', schema: refusal } },
    examples: [
      {
        name: 'warehouse', summary: 'An export', path: { exporter: 'warehouse' },
        answer: { status: 200, body: { exporter: 'warehouse', state: 'ok', cause: null, cure: null, failures: 0, since: time, last_success_at: time, caught_up_at: time, exported_rows: 4, unsent_rows: 0, oldest_unsent: null, parked_rows: 0, workflow_url: null, parked: [] } },
      },
      { name: 'unknown', summary: 'An export that has not run', path: { exporter: 'nowhere' }, answer: { status: 404, body: { problem: 'no export to nowhere has run' } } },
    ],
  },
];
