import { z } from 'zod';
import { durationSetting } from '../../destinations/settings.ts';

/** https://docs.cloud.google.com/resource-manager/docs/creating-managing-projects: 6 to 30 characters; older ones with their domain in front. */
const PROJECT = /^([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$/;
const NAME = /^\w{1,1024}$/;
const name = z.string().regex(NAME, 'must be letters, digits and _');

/** A dataset that gets the exposures, in `headgate.yaml`. */
export const bigquerySettings = z.strictObject({
  project: z.string().regex(PROJECT, 'must be the id of a Google Cloud project, such as acme-analytics').describe('The Google Cloud project. Billing must be on: the free tier takes no streamed rows.'),
  dataset: name.describe('The dataset; it is made when it is not there.'),
  location: z.string().min(2).default('US').describe('Where the dataset is made, such as US, EU or europe-west3. Counts only then.'),
  table: name.default('exposures_rows').describe('The table that rows are written to; a row may be there twice.'),
  view: name.default('exposures').describe('The view that analysts read: one row for each event_id.'),
  credentials_file: z.string().min(1).optional().describe('A credentials file of any kind that Google documents. Default: Application Default Credentials.'),
  impersonate: z.string().min(3).optional().describe('The service account to act as; the credentials need roles/iam.serviceAccountTokenCreator on it.'),
  rows_per_call: z.number().int().min(1).max(10_000).default(500).describe('Most rows of one call. More than 10,000 were never documented.'),
  bytes_per_call: z.number().int().min(10_000).max(10_000_000).default(9_000_000).describe('Most bytes of one call; Google takes 10 MB.'),
  insert_id_length: z.number().int().min(64).max(1_024).default(128).describe('Longer event ids are hashed for the insertId. That Google takes 128 characters is unconfirmed.'),
  timeout: durationSetting('30s').describe('How long one call may take.'),
  partition_expiration: z.string().optional().transform((text, context) => {
    const days = text === undefined ? undefined : Number(/^(\d+)d$/.exec(text)?.[1]);
    if (days === undefined || days > 0) return days;
    context.addIssue({ code: 'custom', message: 'must be a number of days such as 730d' });
    return z.NEVER;
  }).describe('How long Google keeps a day of rows, such as 730d. Default: for ever. Counts only when the table is made.'),
  api_url: z.url().optional().describe('Another address of the BigQuery API.'),
  iam_credentials_url: z.url().optional().describe('Another address of the IAM Credentials API, for `impersonate`.'),
});

export type BigQuerySettings = z.infer<typeof bigquerySettings>;
