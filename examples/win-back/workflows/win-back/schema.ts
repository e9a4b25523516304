import { z } from 'zod';

/** What Customer.io says of a subscription that is paused. */
export const schema = z.object({
  subscription_id: z.string().min(1),
  product: z.string().optional(),
});

export type Paused = z.output<typeof schema>;
