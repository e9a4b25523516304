/** The running Headgate, as the command line talks to it. */
import { readEnvironment, type Environment } from '../config/environment.ts';

export interface ApiAnswer {
  status: number;
  body: unknown;
}

/** Where the api listens: `--url`, else from HEADGATE_HOST and HEADGATE_PORT. */
export function apiUrl(environment: Environment, given: string | undefined): string {
  if (given !== undefined) return given.replace(/\/+$/, '');
  const host = environment.HEADGATE_HOST === '0.0.0.0' ? '127.0.0.1' : environment.HEADGATE_HOST;
  return `http://${host}:${String(environment.HEADGATE_PORT)}`;
}

/** Reads a path of the api. Throws with a sentence when nobody answers or the answer is a refusal. */
export async function readApi(path: string, given: string | undefined): Promise<unknown> {
  const environment = readEnvironment();
  const token = environment.HEADGATE_READ_TOKEN;
  const { status, body } = await ask(`${apiUrl(environment, given)}${path}`, { headers: token === undefined ? {} : { authorization: `Bearer ${token}` } });
  if (status === 200) return body;
  const problem = (body as { problem?: unknown } | undefined)?.problem;
  throw new Error(typeof problem === 'string' ? `${problem[0]?.toUpperCase() ?? ''}${problem.slice(1)}.` : `Headgate answered ${String(status)}.`);
}

/** One request. Throws with a sentence when nobody answers. */
export async function ask(url: string, init: RequestInit): Promise<ApiAnswer> {
  let response: Response;
  try {
    response = await fetch(url, { ...init, signal: AbortSignal.timeout(15_000) });
  } catch (error) {
    throw new Error(`No Headgate answers at ${new URL(url).origin}: start it (npm start), or name it by --url.`, { cause: error });
  }
  const text = await response.text();
  try {
    return { status: response.status, body: JSON.parse(text) };
  } catch {
    return { status: response.status, body: text };
  }
}
