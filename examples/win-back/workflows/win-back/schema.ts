import { z } from 'zod';

/** What Customer.io says of a subscription that is paused. */
export const schema = z.object({
  subscription_id: z.union([z.string().min(1), z.number()]).transform(String),
  product: z.string().optional(),
});

export type Paused = z.output<typeof schema>;
