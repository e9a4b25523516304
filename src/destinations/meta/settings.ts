import { z } from 'zod';
import { callsPerMinuteSetting, durationSetting } from '../settings.ts';
import { META_API_VERSION } from './api-version.ts';

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
  api_version: z.string().regex(/^v\d+\.\d+$/, 'must look like v26.0').default(META_API_VERSION).describe('The version of each call. Until when Marketing API versions live is unconfirmed; code 2635 says that one has ended.'),
  timeout: durationSetting('20s').describe('How long one call may take.'),
  calls_per_minute: callsPerMinuteSetting.optional(),
});

export type MetaSettings = z.infer<typeof metaSettings>;
