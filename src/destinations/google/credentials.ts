/** Access tokens for the Data Manager API. https://developers.google.com/data-manager/api/devguides/quickstart/set-up-access (read 2026-11) */
import { GoogleCredentials } from '../google-credentials.ts';
import { GOOGLE_SCOPE } from './api-version.ts';
import type { GoogleSettings } from './settings.ts';

const CURE =
  'Give Headgate credentials: credentials_file in headgate.yaml, or Application Default Credentials (GOOGLE_APPLICATION_CREDENTIALS). Their e-mail must be a user of the Google Ads account, or of its manager account in login_account.';

export const credentialsOf = (name: string, settings: GoogleSettings, sandboxUrl: string | undefined): GoogleCredentials =>
  new GoogleCredentials({
    name, scope: GOOGLE_SCOPE, credentialsFile: settings.credentials_file, impersonate: settings.impersonate, iamCredentialsUrl: settings.iam_credentials_url, sandboxUrl, cure: CURE,
  });
