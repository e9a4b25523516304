import { z } from 'zod';
import { callsPerMinuteSetting, durationSetting } from '../settings.ts';

const accountId = z.string('must be the account number in quotes').transform((text, context) => {
  const digits = text.replaceAll('-', '');
  if (/^\d+$/.test(digits)) return digits;
  context.addIssue({ code: 'custom', message: 'must be the account number, such as "1234567890"' });
  return z.NEVER;
});

/** An account that holds Customer Match lists, in `headgate.yaml`. */
export const googleSettings = z.strictObject({
  operating_account: accountId.describe('The account that owns the user lists.'),
  account_type: z.enum(['GOOGLE_ADS', 'DISPLAY_VIDEO_PARTNER', 'DISPLAY_VIDEO_ADVERTISER']).default('GOOGLE_ADS'),
  login_account: accountId.optional().describe('The manager account through which the credentials reach operating_account.'),
  credentials_file: z.string().min(1).optional().describe('A credentials file of any kind that Google documents. Default: Application Default Credentials.'),
  impersonate: z.string().min(3).optional().describe('The service account to act as; the credentials need roles/iam.serviceAccountTokenCreator on it.'),
  customer_match_terms: z
    .enum(['accepted', 'rejected'])
    .default('accepted')
    .describe("What Headgate tells Google of the Customer Match terms with each upload. Google takes no uploads without `accepted`."),
  timeout: durationSetting('30s').describe('How long one call may take.'),
  calls_per_minute: callsPerMinuteSetting.default(240).describe('Below 300 a minute, the quota of a Cloud project (https://developers.google.com/data-manager/api/devguides/limits, read 2026-11).'),
  gather: durationSetting('5s').describe('Least time between two requests for one list: a request takes hours to work, and small ones use up the quota.'),
  status_after: durationSetting('30m').describe('When a request is first asked about; then each 1.3 times later.'),
  status_at_most: durationSetting('60m').describe('The longest time between two questions about a request.'),
  give_up_after: durationSetting('25h').describe('When a request that is still being processed is sent again. Google says that processing may take 24 hours.'),
  api_url: z.url().optional().describe('Another address of the Data Manager API.'),
  iam_credentials_url: z.url().optional().describe('Another address of the IAM Credentials API, for `impersonate`.'),
});

export type GoogleSettings = z.infer<typeof googleSettings>;
