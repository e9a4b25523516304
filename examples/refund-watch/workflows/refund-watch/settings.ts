/** `settings: refund-watch:` of headgate.yaml: everything that can be set, with what counts where nothing is said. */
import { duration } from 'headgate/workflow-type';
import { z } from 'zod';

const schema = z.strictObject({
  /** So many refunds open a task … */
  refunds: z.number().int().min(1).default(3),
  /** … when they lie within so long. */
  within: duration.prefault('60d'),
  /** How long no further task is opened after one. */
  quiet: duration.prefault('30d'),
  /** How long to wait before a task is opened, so that refunds of the same minute are in it, and late ones. */
  settle: duration.prefault('1m'),
  /** The action of headgate.yaml that opens tasks. */
  action: z.string().default('cx_tool'),
  cleared_by: z.string().default('shop.refund_cleared'),
});

/** Lengths of time in milliseconds. */
export type Settings = z.output<typeof schema>;

/** Throws with every mistake, at start. */
export const readSettings = (given: Readonly<Record<string, unknown>>): Settings => schema.parse(given);
