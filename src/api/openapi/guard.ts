/** The description of the guard: waves that it holds, and letting one go. */
import { releaseSchema } from '../guard.ts';
import { refusal } from './answers.ts';
import type { Operation } from './operation.ts';
import { heldWaves, releasedWaves } from './watching-answers.ts';

const GROUP = 'Audiences';
const AUDIENCE = 'high_intent_cart_7d_v1';

export const waveExample = {
  operation: 'remove', held: 4_100, since: '2026-11-30T10:00:00.000Z', causes: ['campaign:8'], noticed: 4_100, audience_size: 9_000, most: 1_800, let_go_at: '2026-12-01T10:00:00.000Z',
  because: '4100 removals by campaign 8 are held: 4100 would leave an audience of 9000 within an hour, and the guard lets 1800 pass', release: `npx headgate release ${AUDIENCE} --destination meta_main --removals`,
};

export const guardOperations: Operation[] = [
  {
    id: 'listHeldWaves', method: 'get', path: '/v1/guard', group: GROUP, guard: 'reading',
    summary: 'Waves that the guard holds',
    answers: { 200: { description: 'All of them, with why and how to let each go.', schema: heldWaves } },
    examples: [{ name: 'all', summary: 'All of them', answer: { status: 200, body: { held: [{ audience_key: AUDIENCE, destination: 'meta_main', ...waveExample }] } } }],
  },
  {
    id: 'releaseWave', method: 'post', path: '/v1/audiences/{key}/release', group: GROUP, guard: 'operating',
    summary: 'Let a wave go that the guard holds',
    description: "It is pushed at once, and for the guard's time its causes are no wave there.",
    inPath: { key: 'An audience.' },
    body: { type: 'application/json', name: 'Release', schema: releaseSchema },
    answers: {
      200: { description: 'What goes now.', schema: releasedWaves },
      400: { description: 'A request that cannot be understood.', schema: refusal },
      404: { description: 'No such audience, or no target of it there.', schema: refusal },
    },
    examples: [
      { name: 'removals', summary: 'Removals', path: { key: AUDIENCE }, body: { destination: 'meta_main', what: 'removals', by: 'ada', because: 'the audience is closed on purpose' }, answer: { status: 200, body: { audience_key: AUDIENCE, released: [{ destination: 'meta_main', operation: 'remove', members: 4_100 }] } } },
      { name: 'unknown', summary: 'An audience that does not exist', path: { key: 'cart_v9' }, body: { by: 'ada' }, answer: { status: 404, body: { status: 'invalid', problem: 'there is no audience cart_v9 in headgate.yaml' } } },
      { name: 'elsewhere', summary: 'A destination where it has no target', path: { key: AUDIENCE }, body: { destination: 'nowhere', by: 'ada' }, answer: { status: 404, body: { status: 'invalid', problem: `${AUDIENCE} has no target at nowhere in headgate.yaml; it has meta_main` } } },
      { name: 'nobody', summary: 'Without saying who', path: { key: AUDIENCE }, body: { what: 'adds' }, answer: { status: 400, body: { status: 'invalid', problem: 'by must be text' } } },
    ],
  },
];
