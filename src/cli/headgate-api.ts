/** The running Headgate, as the command line talks to it. */
import { readEnvironment, type Environment } from '../config/environment.ts';
import { atTheKeyboard } from './audited.ts';
import { didYouMean } from './closest.ts';
import { CommandError, EXIT } from './exit-codes.ts';
import { linesIn } from './lines.ts';

export interface ApiAnswer {
  status: number;
  body: unknown;
}

/** Where the api listens: `--url`, else HEADGATE_URL, else from HEADGATE_HOST and HEADGATE_PORT. Throws when that is no address. */
export function apiUrl(environment: Environment, given: string | undefined): string {
  const named = given ?? environment.HEADGATE_URL;
  if (named !== undefined && !/^https?:$/.test(URL.parse(named)?.protocol ?? '')) {
    throw new CommandError(EXIT.usage, `${given === undefined ? 'HEADGATE_URL' : '--url'} ${named} is no address: it looks like http://127.0.0.1:8080.`);
  }
  if (named !== undefined) return named.replace(/\/+$/, '');
  const host = environment.HEADGATE_HOST === '0.0.0.0' ? '127.0.0.1' : environment.HEADGATE_HOST;
  const scheme = environment.HEADGATE_TLS_CERT === undefined ? 'http' : 'https';
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${String(environment.HEADGATE_PORT)}`;
}

/** Reads a path of the api. Throws with a sentence when nobody answers or the answer is a refusal. */
export const readApi = (path: string, given: string | undefined): Promise<unknown> => readWith('HEADGATE_READ_TOKEN', path, given);

/** Reads what only operators may see. Throws like `readApi`. */
export const readOperating = (path: string, given: string | undefined): Promise<unknown> => readWith('HEADGATE_OPERATOR_TOKEN', path, given);

async function readWith(token: 'HEADGATE_READ_TOKEN' | 'HEADGATE_OPERATOR_TOKEN', path: string, given: string | undefined): Promise<unknown> {
  const environment = readEnvironment();
  const answer = await ask(`${apiUrl(environment, given)}${path}`, { headers: bearer(environment[token]) });
  if (answer.status === 200) return answer.body;
  throw refusal(answer);
}

/** Has the api do something. Returns the statuses of `results` too; throws with a sentence for every other but 200, and when nobody answers. */
export async function operateApi(path: string, body: object, given: string | undefined, results: readonly number[] = []): Promise<ApiAnswer> {
  const environment = readEnvironment();
  const headers = { 'content-type': 'application/json', [BY]: atTheKeyboard(), ...bearer(environment.HEADGATE_OPERATOR_TOKEN) };
  const answer = await ask(`${apiUrl(environment, given)}${path}`, { method: 'POST', headers, body: JSON.stringify(body) }, OPERATION_TIMEOUT_MS);
  if (answer.status === 200 || results.includes(answer.status)) return answer;
  throw refusal(answer);
}

export interface LinesAnswer {
  /** As they come. Throws with a sentence when the answer breaks off. */
  lines: AsyncIterable<string>;
  /** How to go on behind them; undefined when there is no more. */
  next: string | undefined;
}

/** Reads a path of the api that answers NDJSON, line by line. Throws with a sentence when nobody answers or the answer is a refusal. */
export async function readLines(path: string, given: string | undefined): Promise<LinesAnswer> {
  const environment = readEnvironment();
  const response = await request(`${apiUrl(environment, given)}${path}`, { headers: bearer(environment.HEADGATE_READ_TOKEN), signal: AbortSignal.timeout(LINES_TIMEOUT_MS) });
  if (response.status !== 200 || !response.body) throw refusal({ status: response.status, body: parsed(await response.text()) });
  return { lines: linesOf(response.body), next: response.headers.get('headgate-next') ?? undefined };
}

async function* linesOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  try {
    yield* linesIn(body);
  } catch (error) {
    throw new Error('The answer of Headgate broke off.', { cause: error });
  }
}

/** Has the api take in lines of NDJSON. Throws with a sentence for every answer but 200, and when nobody answers. */
export async function sendLines(path: string, lines: readonly string[], given: string | undefined): Promise<unknown> {
  const environment = readEnvironment();
  const headers = { 'content-type': 'application/x-ndjson', [BY]: atTheKeyboard(), ...bearer(environment.HEADGATE_OPERATOR_TOKEN) };
  const answer = await ask(`${apiUrl(environment, given)}${path}`, { method: 'POST', headers, body: lines.join('\n') }, OPERATION_TIMEOUT_MS);
  if (answer.status === 200) return answer.body;
  throw refusal(answer);
}

/** A page of rows, however slowly the disk takes them. */
const LINES_TIMEOUT_MS = 10 * 60_000;
const TIMEOUT_MS = 15_000;
/** A batch of entries waits for its turn and is decided in one transaction. */
const OPERATION_TIMEOUT_MS = 60_000;

/** Who is at the keyboard, for the audit log; a token with a name says it better. */
const BY = 'headgate-by';

const bearer = (token: string | undefined): Record<string, string> => (token === undefined ? {} : { authorization: `Bearer ${token}` });

function refusal({ status, body }: ApiAnswer): Error {
  const { problem, known } = (typeof body === 'object' && body !== null ? body : {}) as { problem?: unknown; known?: unknown };
  const sentence = typeof problem === 'string' ? `${problem[0]?.toUpperCase() ?? ''}${problem.slice(1)}.` : `Headgate answered ${String(status)}.`;
  return new CommandError(status === 401 ? EXIT.unauthorised : EXIT.failed, `${sentence}${Array.isArray(known) ? whatThereIs(problem, known.map(String)) : ''}`);
}

/** `problem` has the name that there is not. */
function whatThereIs(problem: unknown, known: readonly string[]): string {
  const name = /there is no \w+ (\S+)/.exec(String(problem))?.[1] ?? '';
  return `${didYouMean(name, known)} There ${known.length === 1 ? 'is' : 'are'} ${known.join(', ') || 'none'}.`;
}

/** One request. Throws with a sentence when nobody answers. */
export async function ask(url: string, init: RequestInit, timeoutMs = TIMEOUT_MS): Promise<ApiAnswer> {
  const response = await request(url, { ...init, signal: AbortSignal.timeout(timeoutMs) });
  return { status: response.status, body: parsed(await response.text()) };
}

async function request(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (error) {
    const late = (error as Error).name === 'TimeoutError';
    const what = late ? `Headgate at ${new URL(url).origin} does not answer in time: look at its log and at ${new URL(url).origin}/readyz.` : `No Headgate answers at ${new URL(url).origin}: start it (npm start), or name it by --url or HEADGATE_URL.`;
    throw new CommandError(EXIT.unreachable, what, { cause: error });
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
