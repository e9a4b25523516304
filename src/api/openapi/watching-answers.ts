/** What the api answers of what watches over targets: waves that are held, the two clocks, sizes that platforms tell, and cost. See answers.ts. */
import { z } from 'zod';
import { named } from './named-answers.ts';

const time = z.iso.datetime();
const count = z.int().min(0);
const operation = z.enum(['add', 'remove']);

const waveFields = {
  operation,
  held: count.describe('How many wait.'),
  since: time,
  causes: z.array(z.string()).describe('Campaigns, or sources, such as `campaign:7`.'),
  noticed: count.describe('What the wave had come to when it was noticed.'),
  audience_size: count.describe('Before the wave.'),
  most: count.describe('So many would have passed.'),
  let_go_at: time.nullable().describe('When they go by themselves; null: when somebody releases them.'),
  because: z.string().describe('A sentence for people.'),
  release: z.string().describe('What to type to let the wave go.'),
};
export const heldWaves = named('HeldWaves', z.object({ held: z.array(z.object({ audience_key: z.string(), destination: z.string(), ...waveFields })) }));
export const releasedWaves = named(
  'ReleasedWaves',
  z.object({ audience_key: z.string(), released: z.array(z.object({ destination: z.string(), operation, members: count })).describe('Empty when nothing was held.') }),
);

const unexplained = z.enum(['more', 'fewer']);
/** Of each target. */
export const watchFields = {
  guard: z.array(named('HeldWave', z.object(waveFields))).describe('Waves that wait until somebody releases them.'),
  clocks: z
    .object({
      accepted_until: time.describe('Everything decided before this has been accepted by the platform, or refused by it for good.'),
      last_success_at: time.nullable(),
      adds_effective_by: time.nullable().describe('When the last accepted adds are usable at the latest, by the words of the platform.'),
      removals_effective_by: time.nullable(),
      read_back_at: time.nullable().describe('When the platform last told its size.'),
      source: z.string().nullable().describe('Where the platform says so, and when that was read.'),
    })
    .describe("Headgate's clock, and the platform's."),
  size: z
    .object({
      read_at: time,
      at_least: count.nullable(),
      at_most: count.nullable().describe('Null: the platform tells none.'),
      taken_in: count.describe('Members that it has accepted.'),
      entering: count.describe('Of them, those whom it need not show yet.'),
      leaving: count.describe('Those whom it may show still.'),
      verdict: z.enum(['explained', ...unexplained.options, 'untold', 'unread']),
      message: z.string(),
      failure: z.string().nullable().describe('Why the platform could not be asked.'),
    })
    .nullable()
    .describe('What the platform told last; null: it was not asked yet.'),
  drift: z.object({ verdict: unexplained, since: time, readings: count, message: z.string() }).nullable().describe('The platform and the ledger have parted, by several readings in a row.'),
  too_small: z.string().nullable().describe('Why the platform does not serve an audience of this size.'),
};

const amount = z.number().min(0).nullable().describe('Null: headgate.yaml gives no price.');
const money = named('Money', z.object({ currency: z.string(), temporal: amount, platform: amount, warehouse: amount, total: amount }), 'Of a month, as far as `prices` of headgate.yaml say what things cost.');
const days = z.number().min(0).describe('Counted over so many.');
export const cost = named(
  'Cost',
  z.object({
    events: z.object({ events: count, temporal_actions: count, rows: count, days }),
    targets: z.array(z.object({ destination: z.string(), calls: count, members: count, temporal_actions: count, days, monthly: money.nullable() })),
    monthly: money.nullable(),
  }),
  'What an audience cost in the last 30 days.',
);
