import { z } from 'zod';

export const schema = z.object({ by: z.string().optional() });

export type Cleared = z.output<typeof schema>;
