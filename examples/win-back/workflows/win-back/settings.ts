/** `settings: win-back:` of headgate.yaml: everything that can be set, with what counts where nothing is said. */
import { duration } from 'headgate/workflow-type';
import { z } from 'zod';

const schema = z.strictObject({
  /** From the pause to the postcard. */
  mail_after: duration.prefault('3d'),
  /** From the postcard to the bonus. */
  bonus_after: duration.prefault('14d'),
  /** From the bonus until nothing more is hoped for. */
  give_up_after: duration.prefault('30d'),
  /** Nobody gets a second postcard within so long, however often they pause. */
  again_after: duration.prefault('90d'),
  /** The actions of headgate.yaml that send the postcard and grant the bonus. */
  mail_action: z.string().default('direct_mail'),
  bonus_action: z.string().default('loyalty'),
  /** Where the shop tells how a subscription is, as `{"status":"active"}`; `{subscription_id}` is put in. Without it the ledger alone is asked. */
  shop_url: z.url().optional(),
  shop_token: z.string().optional(),
});

/** Lengths of time in milliseconds. */
export type Settings = z.output<typeof schema>;
/** What the workflow may know of them: what it knows stands in Temporal's history, so no token. */
export type Plan = Omit<Settings, 'shop_url' | 'shop_token'>;

/** Throws with every mistake, at start. */
export const readSettings = (given: Readonly<Record<string, unknown>>): Settings => schema.parse(given);
