import { z } from 'zod';
import { callsPerMinuteSetting, durationSetting } from '../settings.ts';

/** A Snap ad account in `headgate.yaml`. */
export const snapSettings = z.strictObject({
  ad_account: z.string().min(1).describe('The ad account that owns the segments.'),
  client_id: z.string().min(1).describe('Of the OAuth app in Snap Business Manager.'),
  client_secret: z.string().min(1).meta({ secret: true }),
  refresh_token: z.string().min(1).meta({ secret: true, description: 'Of a member with the role Data Manager, scope snapchat-marketing-api.' }),
  rows_per_call: z.number().int().min(1).max(100_000).default(10_000).describe('Snap names no limit that we could confirm; others send 10,000.'),
  timeout: durationSetting('20s').describe('How long one call may take.'),
  calls_per_minute: callsPerMinuteSetting.default(500).describe('Below 10 a second, the limit of a token (https://developers.snap.com/api/marketing-api/Ads-API/rate-limits, read 2026-11).'),
});

export type SnapSettings = z.infer<typeof snapSettings>;
