/** Sends one request of an action: nowhere private, no redirects, no endless answers; and says what can have happened when there is no answer. */
import { lookup as resolve, type LookupAddress } from 'node:dns';
import { Agent as HttpAgent, request as plainRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as secureRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { PlatformFailure } from '../domain/failures.ts';
import type { ActionAnswer, ActionRequest } from './action.ts';
import { isPrivate } from './addresses.ts';

export interface SendOptions {
  /** The action's name, for messages. */
  name: string;
  allowPrivate: boolean;
  /** Ends the call. */
  signal: AbortSignal;
}

/** More of an answer than this is not read. Bytes. */
const MOST_ANSWER = 64 * 1_024;

const agents = { 'http:': new HttpAgent({ keepAlive: true, maxFreeSockets: 8 }), 'https:': new HttpsAgent({ keepAlive: true, maxFreeSockets: 8 }) };
/** Of actions that may reach private addresses: their open connections are nobody else's. */
const ownAgents = { 'http:': new HttpAgent({ keepAlive: true, maxFreeSockets: 8 }), 'https:': new HttpsAgent({ keepAlive: true, maxFreeSockets: 8 }) };

/** The address is looked up and checked in one: what is connected to is what was checked. */
const publicOnly: LookupFunction = (hostname, options, callback) => {
  resolve(hostname, { ...options, all: true }, (error: NodeJS.ErrnoException | null, found: LookupAddress[]) => {
    if (error) {
      callback(error, '', 0);
      return;
    }
    const allowed = found.filter(({ address }) => !isPrivate(address));
    const [first] = allowed;
    if (!first) callback(new PrivateAddress(hostname, found.map(({ address }) => address)), '', 0);
    else if (options.all) callback(null, allowed);
    else callback(null, first.address, first.family);
  });
};

class PrivateAddress extends Error {
  readonly code = 'EPRIVATE';
  constructor(host: string, addresses: readonly string[]) {
    super(`${host} is ${addresses.length === 0 ? 'no address' : addresses.join(', ')}`);
  }
}

/**
 * Throws PlatformFailure: `misconfigured` when the address is private or no request can be put together, `unavailable` when the tool was not reached,
 * `timed_out` when the outcome is unknown.
 */
export async function sendRequest(given: ActionRequest, { name, allowPrivate, signal }: SendOptions): Promise<ActionAnswer> {
  const url = new URL(given.url);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  // Addresses written as such are never looked up.
  if (!allowPrivate && isIP(host) !== 0 && isPrivate(host)) throw privateFailure(name, new PrivateAddress(host, [host]));
  try {
    return await exchange(url, given, allowPrivate, signal);
  } catch (error) {
    throw failureOf(name, url, error, signal);
  }
}

function exchange(url: URL, { method, headers, body }: ActionRequest, allowPrivate: boolean, signal: AbortSignal): Promise<ActionAnswer> {
  return new Promise((resolvePromise, reject) => {
    const protocol = url.protocol === 'http:' ? 'http:' : 'https:';
    const options = {
      method, signal,
      headers: { 'user-agent': 'headgate', accept: 'application/json', ...headers, 'content-length': String(Buffer.byteLength(body)) },
      agent: (allowPrivate ? ownAgents : agents)[protocol],
      ...(allowPrivate ? {} : { lookup: publicOnly }),
    };
    const sent: ClientRequest = (protocol === 'http:' ? plainRequest : secureRequest)(url, options);
    sent.on('error', reject);
    sent.on('response', (response) => {
      readAnswer(response).then(resolvePromise, reject);
    });
    sent.end(body);
  });
}

async function readAnswer(response: IncomingMessage): Promise<ActionAnswer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    // Leaving the loop ends the connection.
    if (size >= MOST_ANSWER) break;
  }
  const headers = new Headers(Object.entries(response.headers).flatMap(([key, value]): [string, string][] => (value === undefined ? [] : [[key, Array.isArray(value) ? value.join(', ') : value]])));
  return { status: response.statusCode ?? 0, headers, text: Buffer.concat(chunks).subarray(0, MOST_ANSWER).toString('utf8') };
}

/** Nobody there, or no TLS with whoever is there: the request cannot have arrived. */
const NEVER_ARRIVED = /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|CERT_.*|ERR_TLS_.*|ERR_SSL_.*|SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_.*)$/;
const CANNOT_BE_SENT = /^(ERR_INVALID_.*|ERR_UNESCAPED_CHARACTERS|ERR_HTTP_INVALID_.*)$/;

const privateFailure = (name: string, error: PrivateAddress): PlatformFailure => {
  const cause = `the address is private: ${error.message}`;
  const cure = `Put a public address into the url of ${name} in headgate.yaml, or allow_private: true if the tool is yours.`;
  return new PlatformFailure(`${name}: ${cause}.`, { kind: 'misconfigured', cause, cure }, { cause: error });
};

function failureOf(name: string, url: URL, error: unknown, signal: AbortSignal): PlatformFailure {
  if (error instanceof PrivateAddress) return privateFailure(name, error);
  const code = codeOf(error);
  if (!signal.aborted && CANNOT_BE_SENT.test(code)) {
    const cause = 'the request cannot be put together: a header or the address holds characters that it cannot carry';
    return new PlatformFailure(`${name}: ${cause}.`, { kind: 'misconfigured', cause, cure: `Look at the url and headers of ${name} in headgate.yaml.` });
  }
  if (!signal.aborted && NEVER_ARRIVED.test(code)) {
    const cause = `no connection to ${url.origin} (${code})`;
    return new PlatformFailure(`${name} cannot be reached: ${cause}.`, { kind: 'unavailable', cause, cure: '' }, { cause: error });
  }
  const cause = signal.aborted ? 'no answer in time' : `the connection broke before the answer came (${code})`;
  return new PlatformFailure(`${name}: ${cause}; the outcome is unknown.`, { kind: 'timed_out', cause, cure: '' }, { cause: error });
}

/** Several addresses that were tried make one error of many. */
function codeOf(error: unknown): string {
  const { code, errors } = error as { code?: unknown; errors?: { code?: unknown }[] };
  const found = code ?? errors?.[0]?.code;
  return typeof found === 'string' ? found : error instanceof Error ? error.name : 'unknown';
}
