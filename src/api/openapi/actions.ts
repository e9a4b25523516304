/** The description of actions: how the sending of `cio.forward` events stands. */
import { z } from 'zod';
import { named } from './named-answers.ts';
import type { Operation } from './operation.ts';

const time = z.iso.datetime();
const count = z.int().min(0);

const actions = named(
  'Actions',
  z.object({
    actions: z.array(
      z.object({
        action: z.string(),
        kind: z.string().nullable().describe('Such as `slack`; null: it is not in headgate.yaml any more.'),
        mode: z.enum(['live', 'test', 'paused']).nullable(),
        ordered: z.boolean().describe('One event of a person after the other.'),
        state: z.enum(['ok', 'throttled', 'retrying', 'stuck', 'paused']),
        cause: z.string().nullable().describe("What is wrong, in the tool's words."),
        cure: z.string().nullable().describe('What to do about it.'),
        failures: count.describe('In a row.'),
        since: time.nullable(),
        retry_at: time.nullable(),
        last_success_at: time.nullable(),
        waiting: count.describe('Counted up to 10,000.'),
        oldest_waiting: time.nullable(),
        sent: count,
        refused: count.describe('By the tool, for good, within 30 days. Counted up to 10,000.'),
        refused_because: z.string().nullable().describe('Why the last one was.'),
        workflow_url: z.string().nullable(),
      }),
    ),
  }),
);

const example = {
  action: 'ops_slack', kind: 'slack', mode: 'live', ordered: false, state: 'ok', cause: null, cure: null, failures: 0, since: '2026-11-30T10:00:00.000Z', retry_at: null, last_success_at: '2026-11-30T10:00:00.000Z',
  waiting: 0, oldest_waiting: null, sent: 1, refused: 0, refused_because: null, workflow_url: null,
};

export const actionOperations: Operation[] = [
  {
    id: 'listActions', method: 'get', path: '/v1/actions', group: 'Actions', guard: 'reading',
    summary: 'How the sending to each action stands',
    answers: { 200: { description: 'Every action of headgate.yaml, and those that were in it before and have something to show.', schema: actions } },
    examples: [{ name: 'all', summary: 'All of them', answer: { status: 200, body: { actions: [example] } } }],
  },
];
