/** The ways to an access token, by google-auth-library, against a token endpoint on this machine. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { credentialsOf } from '../../../src/destinations/google/credentials.ts';
import { googleSettings } from '../../../src/destinations/google/settings.ts';
import { PlatformFailure } from '../../../src/domain/failures.ts';
import { startSandbox, type Sandbox } from '../../../src/sandbox/index.ts';
import { workloadIdentity } from '../../support/google-credentials.ts';

const settings = { operating_account: '1234567890' };
let sandbox: Sandbox;
let url: string;
beforeAll(async () => {
  sandbox = await startSandbox({ port: 0, destinations: [{ name: 'google_main', platform: 'google', settings, audienceIds: ['1'] }] });
  url = `${sandbox.url}/google_main`;
});
afterAll(() => sandbox.close());

const credentials = (more: object): ReturnType<typeof credentialsOf> => credentialsOf('google_main', googleSettings.parse({ ...settings, ...more }), undefined);
const isGood = (token: string): boolean => sandbox.store.isIssued('google_main', token);

test('a workload identity exchanges its own token for one of Google', async () => {
  expect(isGood(await credentials({ credentials_file: workloadIdentity(url, 'sandbox') }).token())).toBe(true);
});

test('impersonation acts as another service account', async () => {
  const acting = credentials({ credentials_file: workloadIdentity(url, 'sandbox'), impersonate: 'uploads@tests.iam.gserviceaccount.com', iam_credentials_url: url });
  expect(isGood(await acting.token())).toBe(true);
});

test('a token is kept, and made anew after it was refused', async () => {
  const own = credentials({ credentials_file: workloadIdentity(url, 'sandbox') });
  const first = await own.token();
  expect(await own.token()).toBe(first);
  own.forget();
  expect(await own.token()).not.toBe(first);
});

test.each<[string, object, string]>([
  ['a token that Google does not take', { credentials_file: 'refused' }, 'invalid_grant'],
  ['a file that is not there', { credentials_file: '/nowhere/key.json' }, '/nowhere/key.json'],
])('%s is unauthorised, with what to do', async (_name, more, words) => {
  const file = (more as { credentials_file: string }).credentials_file;
  const own = credentials({ credentials_file: file === 'refused' ? workloadIdentity(url, 'somebody-else') : file });
  const failure: unknown = await own.token().catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(PlatformFailure);
  const { report } = failure as PlatformFailure;
  expect(report.kind).toBe('unauthorised');
  expect(report.cause).toContain(words);
  expect(report.cause).not.toContain('somebody-else');
  expect(report.cure).toContain('credentials_file');
});
