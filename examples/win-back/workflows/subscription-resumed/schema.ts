import { z } from 'zod';

export const schema = z.object({ subscription_id: z.string().min(1) });

export type Resumed = z.output<typeof schema>;
