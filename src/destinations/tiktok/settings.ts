import { z } from 'zod';
import { callsPerMinuteSetting, durationSetting } from '../settings.ts';

const advertiserId = z.string('must be in quotes, because long ids lose digits as numbers').regex(/^\d+$/, 'must be the advertiser\'s number');

/** A TikTok advertiser in `headgate.yaml`. */
export const tiktokSettings = z.strictObject({
  access_token: z.string().min(1).meta({ secret: true, description: 'Long-term token with scope 31 (Create and Update Custom Audiences) and 30 (reading them).' }),
  advertiser_id: advertiserId.describe('The advertiser that owns the audiences.'),
  email_plus_tag: z
    .enum(['keep', 'remove'])
    .default('keep')
    .describe("Whether `+tag` goes from an e-mail's local part before it is hashed. TikTok's pages disagree (unconfirmed). Changing it later leaves people with the old hash in the audience."),
  phone_format: z
    .enum(['plus', 'digits'])
    .default('plus')
    .describe("Whether phones are hashed with their `+`. TikTok's pages disagree (unconfirmed); the reference of the call says with."),
  rows_per_call: z.number().int().min(1).max(10_000).default(1_000).describe('No official number; vendors name 1,000 and 10,000 (unconfirmed).'),
  timeout: durationSetting('20s').describe('How long one call may take.'),
  calls_per_minute: callsPerMinuteSetting.default(600).describe('The Basic level: 10 a second, 600 a minute. Whether the Streaming API\'s higher limit counts requests is unconfirmed.'),
});

export type TiktokSettings = z.infer<typeof tiktokSettings>;
