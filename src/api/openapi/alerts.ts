/** The description of alerts: what is wrong, whose it is, who looks after it. */
import { z } from 'zod';
import { acknowledgeSchema, muteSchema, testSchema } from '../alerts.ts';
import { refusal } from './answers.ts';
import { named } from './named-answers.ts';
import type { Operation } from './operation.ts';

const GROUP = 'Alerts';
const time = z.iso.datetime();
const message = z.object({
  owner: z.string(), channel: z.string(), change: z.string(), due_at: time.nullable(), sent_at: time.nullable(), dropped_at: time.nullable(), attempts: z.int(), last_error: z.string().nullable(),
});
const alert = z.object({
  alert_id: z.union([z.int(), z.string()]), rule: z.string(), title: z.string(), subject: z.string(), level: z.string(), destination: z.string().nullable(), audience_key: z.string().nullable(), source: z.string().nullable(),
  what: z.string(), since: time.nullable(), still_targeted: z.int().nullable().describe('People who are still targeted and should not be.'), what_to_do: z.string(), command: z.string().nullable(), owners: z.array(z.unknown()),
  raised_at: time.nullable(), recovered_at: time.nullable(), acknowledged_at: time.nullable(), acknowledged_by: z.string().nullable(), escalated_at: time.nullable(), messages: z.array(message),
});
const alerts = named('Alerts', z.object({ alerts: z.array(alert) }));
const done = named('Done', z.object({ status: z.literal('ok') }));
const tested = named('AlertsTested', z.object({ results: z.array(z.object({ owner: z.string(), channel: z.string().nullable(), problem: z.string().nullable() })) }));
const notUnderstood = { description: 'A request that cannot be understood.', schema: refusal };

export const alertOperations: Operation[] = [
  {
    id: 'listAlerts', method: 'get', path: '/v1/alerts', group: GROUP, guard: 'reading',
    summary: 'What is wrong, since when, whose it is, what to do',
    query: { schema: z.object({ state: z.enum(['open', 'over', 'all']).default('open').optional(), limit: z.int().min(1).max(500).default(100).optional() }), descriptions: { state: 'Which.', limit: 'Alerts of one answer.' } },
    answers: { 200: { description: 'The newest first.', schema: alerts }, 400: notUnderstood },
    examples: [{ name: 'unknown_state', summary: 'A state that does not exist', query: { state: 'lost' }, answer: { status: 400, body: { problem: 'state is open, over or all' } } }, { name: 'over', summary: 'Those that are over', query: { state: 'over' }, answer: { status: 200, body: { alerts: [] } } }],
  },
  {
    id: 'acknowledgeAlert', method: 'post', path: '/v1/alerts/{id}/acknowledge', group: GROUP, guard: 'operating',
    summary: 'Say that you look after an alert',
    inPath: { id: 'Of the alert.' },
    body: { type: 'application/json', name: 'Acknowledge', schema: acknowledgeSchema, descriptions: { by: 'Who you are.' } },
    answers: { 200: { description: 'It goes to nobody else.', schema: done }, 400: notUnderstood, 404: { description: 'There is no such open alert.', schema: refusal } },
    examples: [{ name: 'unknown', summary: 'An alert that does not exist', path: { id: '999' }, body: { by: 'ada' }, answer: { status: 404, body: { problem: 'there is no open alert 999' } } }],
  },
  {
    id: 'muteAlerts', method: 'post', path: '/v1/alerts/mute', group: GROUP, guard: 'operating',
    summary: 'Hear nothing of a rule for a while',
    body: { type: 'application/json', name: 'Mute', schema: muteSchema, descriptions: { rule: 'Such as `source_silent`.', subject: 'Only about this target, destination or source.', minutes: 'How long; 0 ends it.', by: 'Who you are.' } },
    answers: { 200: { description: 'It is quiet.', schema: done }, 400: notUnderstood },
    examples: [{ name: 'an_hour', summary: 'For an hour', body: { rule: 'source_silent', minutes: 60, by: 'ada' }, answer: { status: 200, body: { status: 'ok' } } }],
  },
  {
    id: 'testAlerts', method: 'post', path: '/v1/alerts/test', group: GROUP, guard: 'operating',
    summary: 'Send one message to owners by every channel they have',
    body: { type: 'application/json', name: 'TestAlerts', schema: testSchema, descriptions: { owner: 'Only to this one.' } },
    answers: { 200: { description: 'How each went.', schema: tested }, 400: notUnderstood, 404: { description: 'There is no such owner.', schema: refusal } },
    examples: [{ name: 'nobody', summary: 'An owner who does not exist', body: { owner: 'nobody' }, answer: { status: 404, body: { problem: 'there is no owner nobody in headgate.yaml' } } }],
  },
];
