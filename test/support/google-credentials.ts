/** Credentials files whose tokens come from the sandbox's token endpoint, by google-auth-library's own way. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folder = mkdtempSync(join(tmpdir(), 'headgate-google-'));
let count = 0;

function write(content: string): string {
  const path = join(folder, `${String(count++)}.json`);
  writeFileSync(path, content);
  return path;
}

/**
 * A workload identity: exchanges the text of a file for an access token. The sandbox takes only `sandbox`.
 * @param url the stand-in's address of the destination
 */
export function workloadIdentity(url: string, subjectToken: string): string {
  return write(
    JSON.stringify({
      type: 'external_account',
      audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/tests/providers/tests',
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      token_url: `${url}/token`,
      credential_source: { file: write(subjectToken) },
    }),
  );
}
