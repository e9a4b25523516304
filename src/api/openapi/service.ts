/** The description of what machines ask: health, metrics, this description. */
import { z } from 'zod';
import { alive, readiness } from './operating-answers.ts';
import { VERSION } from '../../version.ts';
import type { Operation } from './operation.ts';

const GROUP = 'Service';

export const serviceOperations: Operation[] = [
  {
    id: 'readHealth', method: 'get', path: '/healthz', group: GROUP, guard: 'open',
    summary: 'Whether this process lives',
    answers: { 200: { description: 'It does.', schema: alive } },
    examples: [{ name: 'alive', summary: 'It does', answer: { status: 200, body: { status: 'ok', version: VERSION } } }],
  },
  {
    id: 'readReadiness', method: 'get', path: '/readyz', group: GROUP, guard: 'open',
    summary: 'Whether it can take events',
    answers: { 200: { description: 'It can: the ledger or Temporal answers.', schema: readiness }, 503: { description: 'Neither answers, or it has been asked to stop: send callers elsewhere.', schema: readiness } },
    examples: [{ name: 'ready', summary: 'It can', answer: { status: 200, body: { status: 'ok', ledger: true, temporal: true, problems: [] } } }],
  },
  {
    id: 'readMetrics', method: 'get', path: '/metrics', group: GROUP, guard: 'reading',
    summary: 'What Prometheus scrapes',
    answers: { 200: { description: 'In the text format of Prometheus.', type: 'text/plain' } },
    examples: [{ name: 'scrape', summary: 'A scrape', answer: { status: 200 } }],
  },
  {
    id: 'readDescription', method: 'get', path: '/openapi.json', group: GROUP, guard: 'open',
    summary: 'This description',
    answers: { 200: { description: 'OpenAPI 3.1.', schema: z.looseObject({ openapi: z.string() }) } },
    examples: [{ name: 'description', summary: 'This one', answer: { status: 200 } }],
  },
];
