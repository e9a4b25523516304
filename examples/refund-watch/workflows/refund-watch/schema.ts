import { z } from 'zod';

/** What Customer.io says of a refund. Liquid may write numbers as texts. */
export const schema = z.object({
  order_id: z.string().min(1),
  amount: z.coerce.number().nonnegative(),
  currency: z.string().length(3).optional(),
});

export type Refund = z.output<typeof schema>;
