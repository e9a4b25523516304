import { z } from 'zod';

/** What Customer.io says of a refund. Liquid writes numbers as texts, and texts as numbers. */
export const schema = z.object({
  // Customer.io writes a number as one.
  order_id: z.union([z.string().min(1), z.number()]).transform(String),
  amount: z.coerce.number().nonnegative(),
  currency: z.string().length(3).optional(),
});

export type Refund = z.output<typeof schema>;
