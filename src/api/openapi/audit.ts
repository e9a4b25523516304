/** The description of the audit log: what operators did. */
import { z } from 'zod';
import { AUDITED, type AuditAction } from '../../domain/audit.ts';
import { auditQuery } from '../audit-log.ts';
import { refusal } from './answers.ts';
import { named } from './named-answers.ts';
import type { Operation } from './operation.ts';

const time = z.iso.datetime();
const row = z.object({
  audit_id: z.int(), at: time, begun_at: time,
  via: z.enum(['api', 'console', 'cli', 'process']).describe('Over HTTP, from a page, from a command that talks to Temporal itself, or from a process that started.'),
  who: z.string(), credential: z.string().describe('What shows that it was they.'), address: z.string().nullable(),
  action: z.enum(Object.keys(AUDITED) as [AuditAction, ...AuditAction[]]), what: z.string().describe('The same for people.'), on: z.string().describe('What it was done to.'),
  outcome: z.enum(['begun', 'done', 'refused', 'failed']).describe('`begun`: nothing has come of it yet; it is under way, or was broken off.'),
  detail: z.record(z.string(), z.unknown()),
});
const log = named('AuditLog', z.object({ audit: z.array(row), next: z.int().nullable().describe('`before` of the next request; null when there is no more.') }));

const example = {
  audit_id: 41, at: '2026-11-30T18:04:11.120Z', begun_at: '2026-11-30T18:04:11.080Z', via: 'console', who: 'ada', credential: 'the token of ada', address: '203.0.113.7', action: 'target.pause', what: AUDITED['target.pause'],
  on: 'meta_main/high_intent_cart_7d_v1', outcome: 'done', detail: { said: 'meta_main/high_intent_cart_7d_v1 is paused' },
};

export const auditOperations: Operation[] = [
  {
    id: 'listAudit', method: 'get', path: '/v1/audit', group: 'Audit log', guard: 'operating',
    summary: 'What operators did, when, to what, and what came of it',
    description: 'The newest first. The log is only ever added to, and kept for two years.',
    query: {
      schema: auditQuery,
      descriptions: { since: 'Then or later.', until: 'Before then.', who: 'Only what they did.', on: 'Only what was done to something whose name has this in it.', action: 'Only this.', before: 'Older than this one: `next` of the answer before.', limit: 'Rows of one answer.' },
    },
    answers: { 200: { description: 'What was begun shows together with what came of it.', schema: log }, 400: { description: 'A request that cannot be understood.', schema: refusal } },
    examples: [
      { name: 'of_a_target', summary: 'What was done to a target', query: { on: 'meta_main/high_intent_cart_7d_v1', limit: 1 }, answer: { status: 200, body: { audit: [example], next: 41 } } },
      { name: 'unknown', summary: 'Something that is never written down', query: { action: 'target.polish' }, answer: { status: 400, body: { status: 'invalid', problem: 'action is no action that is written down' } } },
    ],
  },
];
