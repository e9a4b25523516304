import { z } from 'zod';
import { callsPerMinuteSetting, durationSetting } from '../settings.ts';

/** A Meta ad account in `headgate.yaml`. */
export const metaSettings = z.strictObject({
  access_token: z.string().min(1).meta({ secret: true, description: 'System user token with ads_management.' }),
  ad_account: z
    .string()
    .regex(/^act_\d+$/, 'must look like act_1234567890')
    .describe('The ad account that owns the audiences.'),
  app_secret: z
    .string()
    .min(1)
    .optional()
    .meta({ secret: true, description: 'When given, each call carries an appsecret_proof.' }),
  timeout: durationSetting('20s').describe('How long one call may take.'),
  calls_per_minute: callsPerMinuteSetting.optional(),
});

export type MetaSettings = z.infer<typeof metaSettings>;
