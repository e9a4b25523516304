/** Which registry a process on this machine uses: one's own, or the demo of `npm start`. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Environment } from './environment.ts';

const DEMO = fileURLToPath(new URL('./demo.headgate.yaml', import.meta.url));
const OWN = 'headgate.yaml';

/** Secrets of the demo, made at the first start and kept in the data folder: variable to file. */
export const KEPT_SECRETS = { CIO_SIGNING_SECRET: 'cio-signing-secret', CIO_REPORTING_SECRET: 'cio-reporting-secret', HEADGATE_SANDBOX_TOKEN: 'sandbox-token' } as const;

/** `HEADGATE_CONFIG`, else ./headgate.yaml, else the demo. */
export function findRegistry(environment: Environment): { path: string; demo: boolean } {
  if (environment.HEADGATE_CONFIG !== undefined) return { path: environment.HEADGATE_CONFIG, demo: false };
  return existsSync(OWN) ? { path: OWN, demo: false } : { path: DEMO, demo: true };
}

/** The folder that a registry's paths are relative to: its own; of the demo, the one where Headgate runs. */
export const folderOf = (path: string): string => (path === DEMO ? process.cwd() : dirname(resolve(path)));

/** The environment's variables with the kept secrets where it has none of its own. Secrets that do not exist yet stay unset. */
export async function withKeptSecrets(environment: Environment): Promise<Record<string, string | undefined>> {
  const kept = Object.entries(KEPT_SECRETS).map(async ([variable, file]) => {
    const own = environment.variables[variable];
    if (own !== undefined && own !== '') return [variable, own];
    const secret = await readFile(join(environment.HEADGATE_DATA, file), 'utf8').catch(() => '');
    return [variable, secret.trim() === '' ? undefined : secret.trim()];
  });
  return { ...environment.variables, ...(Object.fromEntries(await Promise.all(kept)) as Record<string, string | undefined>) };
}
