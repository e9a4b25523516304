import { z } from 'zod';

export const schema = z.object({ subscription_id: z.union([z.string().min(1), z.number()]).transform(String) });

export type Resumed = z.output<typeof schema>;
