/** One HTTP call to a platform: plain fetch, the body read whole, and the ways in which it can fail without an answer. */
import { PlatformFailure, type FailureReport } from '../domain/failures.ts';

export interface HttpAnswer {
  status: number;
  headers: Headers;
  /** The parsed JSON; undefined when the body is something else. */
  json: unknown;
  /** The body's beginning, for messages. */
  text: string;
}

const SHOWN_CHARACTERS = 200;

/** Connection failures after which the request cannot have arrived: nobody there, or no TLS with whoever is there. */
const NEVER_ARRIVED = /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT|CERT_.*|ERR_TLS_.*|ERR_SSL_.*|SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_.*)$/;

/**
 * Sends and reads. Throws PlatformFailure `timed_out` when the outcome is unknown (no answer in time, connection cut),
 * `unavailable` when the platform was not reached at all, and `misconfigured` when nothing could be sent.
 * @param where for messages, such as `meta_main`
 */
export async function callPlatform(where: string, url: string, init: RequestInit & { signal: AbortSignal }): Promise<HttpAnswer> {
  assertSendable(where, url, init);
  try {
    const response = await fetch(url, { ...init, redirect: 'error' });
    const text = await response.text();
    return { status: response.status, headers: response.headers, json: parse(text), text: text.slice(0, SHOWN_CHARACTERS) };
  } catch (error) {
    const code = codeOf(error);
    if (NEVER_ARRIVED.test(code)) {
      const cause = `no connection to ${new URL(url).origin} (${code})`;
      throw new PlatformFailure(`${where} cannot be reached: ${cause}.`, { kind: 'unavailable', cause, cure: '' }, { cause: error });
    }
    const cause = init.signal.aborted ? 'no answer in time' : `the connection broke before the answer came (${code})`;
    throw new PlatformFailure(`${where}: ${cause}; the outcome is unknown.`, { kind: 'timed_out', cause, cure: '' }, { cause: error });
  }
}

/** The error of a header that cannot be sent quotes it, token and all, so it goes no further. */
function assertSendable(where: string, url: string, { headers }: RequestInit): void {
  try {
    new URL(url);
    new Headers(headers);
  } catch {
    const cause = 'the call cannot be put together: a setting holds characters that no address or header can carry';
    throw new PlatformFailure(`${where}: ${cause}.`, { kind: 'misconfigured', cause, cure: 'Look at the tokens and addresses of this destination in headgate.yaml, and at the environment variables that they come from.' });
  }
}

/** `Retry-After` in milliseconds, given in seconds or as a date; undefined without one. */
export function retryAfterOf(headers: Headers): number | undefined {
  const text = headers.get('retry-after');
  if (text === null) return undefined;
  const ms = /^\d+(\.\d+)?$/.test(text.trim()) ? Number(text) * 1_000 : Date.parse(text) - Date.now();
  return Number.isFinite(ms) && ms > 0 ? Math.ceil(ms) : undefined;
}

/** An answer that the platform's API does not give: a gateway's page, or a 200 that does not say what it took. Nothing is known, so the call is made again. */
export function notUnderstood(where: string, { status, text }: HttpAnswer): PlatformFailure {
  const cause = `HTTP ${String(status)} with a body that the platform's API does not give: ${text.replace(/\s+/g, ' ')}`;
  return new PlatformFailure(`${where}: ${cause}.`, { kind: status < 300 ? 'timed_out' : 'unavailable', cause, cure: '' });
}

/** A refusal in words that a person can act on. */
export const refusal = (where: string, what: string, report: FailureReport): PlatformFailure => new PlatformFailure(`${where} refused ${what}: ${report.cause}.`, report);

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function codeOf(error: unknown): string {
  const { cause, name } = error as { cause?: { code?: unknown; message?: unknown }; name?: string };
  return [cause?.code, cause?.message, name].find((text) => typeof text === 'string') ?? 'unknown';
}
