/** Exposures in BigQuery, by tabledata.insertAll and a view that shows each event once. The traps are in README.md, the choice in docs/decisions/0016-bigquery.md. */
import { GoogleCredentials } from '../../destinations/google-credentials.ts';
import { defineWarehouse, type Exporter } from '../exporter.ts';
import { BIGQUERY_SCOPE, BIGQUERY_URL, type BigQueryClientOptions } from './client.ts';
import { eraseFromBigQuery } from './erase.ts';
import { NotKnownYet, prepareInsert } from './insert-all.ts';
import { bigquerySettings, type BigQuerySettings } from './settings.ts';
import { checkBigQuery, setUp } from './set-up.ts';

const CURE = 'Give Headgate credentials: credentials_file of the exporter in headgate.yaml, or Application Default Credentials (GOOGLE_APPLICATION_CREDENTIALS). docs/bigquery.md says which roles they need.';

export const bigquery = defineWarehouse<BigQuerySettings>({
  platform: 'bigquery',
  settings: bigquerySettings,
  connect: (settings, { name, everyMs, sandboxUrl }): Exporter => {
    const credentials = new GoogleCredentials({
      name, scope: BIGQUERY_SCOPE, credentialsFile: settings.credentials_file, impersonate: settings.impersonate, iamCredentialsUrl: settings.iam_credentials_url, sandboxUrl, cure: CURE,
    });
    const client: BigQueryClientOptions = { exporter: name, baseUrl: sandboxUrl ?? settings.api_url ?? BIGQUERY_URL, settings, credentials };
    /** What is there was looked at, and not doubted since. */
    let ready = false;
    return {
      name,
      platform: 'bigquery',
      everyMs,
      rowsPerCall: settings.rows_per_call,
      timeoutMs: settings.timeout,
      setUp: async (begun, signal) => {
        if (ready) return [];
        const done = await setUp(client, begun, signal);
        ready = true;
        return done;
      },
      prepare: (rows, exportedAt) => {
        const { takes, send } = prepareInsert(client, rows, exportedAt);
        return {
          takes,
          send: (signal) =>
            send(signal).catch((error: unknown) => {
              // Gone, or made a moment ago: the next turn looks.
              if (error instanceof NotKnownYet) ready = false;
              throw error;
            }),
        };
      },
      erase: (personIds, signal) => eraseFromBigQuery(client, personIds, signal),
      check: (signal) => checkBigQuery(client, signal),
    };
  },
});
