/** The description of erasing. */
import { requestSchema } from '../erasures.ts';
import { refusal } from './answers.ts';
import { erasure } from './operating-answers.ts';
import type { Operation } from './operation.ts';

const GROUP = 'Erasures';
const asked = { erasure_id: '0f8e2f0e-7d0e-4a57-9a51-3c3a1f6f2c11', person_ids: ['p_01a229e3b3758602e7e8a8ec0006'], requested_by: 'ada', because: 'request of 28 November', requested_at: '2026-11-30T10:00:00.000Z', finished_at: null, receipt: null };

export const erasureOperations: Operation[] = [
  {
    id: 'erasePerson', method: 'post', path: '/v1/erasures', group: GROUP, guard: 'operating',
    summary: 'Have a person erased',
    description: 'From the platforms, Temporal, the ledger and the warehouses. Name the person by exactly one of `customer_id`, `cio_id`, `email` and `person_id`. It goes on by itself; asked for again while it does, it is the same erasure.',
    body: {
      type: 'application/json', name: 'ErasureRequest', schema: requestSchema,
      descriptions: {
        customer_id: 'Your own id.', cio_id: "Customer.io's id.", email: 'In the clear.', person_id: "Headgate's id.", people: 'Whose customer ids are meant, when several persons go by it.', by: 'Who asks; kept in the receipt.',
        because: 'Kept in the receipt; do not name the person in it.', anyway: 'Do not wait for platforms that do not let the person go.',
      },
    },
    answers: {
      202: { description: 'It has begun.', schema: erasure },
      400: { description: 'A request that cannot be understood.', schema: refusal },
      404: { description: 'Nobody goes by it.', schema: refusal },
      409: { description: 'Several persons go by it: say whose.', schema: refusal },
      413: { description: 'More than 10 KB.', schema: refusal },
    },
    examples: [
      { name: 'by_customer_id', summary: 'By your own id', body: { customer_id: 'c_example', by: 'ada', because: 'request of 28 November' }, answer: { status: 202, body: asked } },
      { name: 'nobody', summary: 'Somebody who is not known', body: { customer_id: 'nobody', by: 'ada' }, answer: { status: 404, body: { status: 'invalid', problem: 'nobody goes by this customer_id' } } },
      { name: 'by_nothing', summary: 'Whom?', body: { by: 'ada' }, answer: { status: 400, body: { status: 'invalid', problem: 'name the person by exactly one of customer_id, cio_id, email and person_id' } } },
    ],
    link: { status: 202, to: 'readErasure', parameter: 'id', from: 'erasure_id' },
  },
  {
    id: 'readErasure', method: 'get', path: '/v1/erasures/{id}', group: GROUP, guard: 'operating',
    summary: 'How far an erasure is, and its receipt',
    inPath: { id: '`erasure_id` of the answer that began it.' },
    answers: { 200: { description: 'The erasure.', schema: erasure }, 404: { description: 'There is no such erasure.', schema: refusal } },
    examples: [{ name: 'unknown', summary: 'An erasure that does not exist', path: { id: '00000000-0000-0000-0000-000000000000' }, answer: { status: 404, body: { problem: 'there is no such erasure' } } }],
  },
];
