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

/** Connection failures after which the request cannot have arrived. */
const NEVER_ARRIVED = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT']);

/**
 * Sends and reads. Throws PlatformFailure `timed_out` when the outcome is unknown (no answer in time, connection cut) and
 * `unavailable` when the platform was not reached at all.
 * @param where for messages, such as `meta_main`
 */
export async function callPlatform(where: string, url: string, init: RequestInit & { signal: AbortSignal }): Promise<HttpAnswer> {
  try {
    const response = await fetch(url, { ...init, redirect: 'error' });
    const text = await response.text();
    return { status: response.status, headers: response.headers, json: parse(text), text: text.slice(0, SHOWN_CHARACTERS) };
  } catch (error) {
    const code = codeOf(error);
    if (NEVER_ARRIVED.has(code)) {
      throw new PlatformFailure(`${where} cannot be reached (${code}).`, { kind: 'unavailable', cause: `no connection: ${code}`, cure: '' }, { cause: error });
    }
    const cause = init.signal.aborted ? 'no answer in time' : `the connection broke before the answer came (${code})`;
    throw new PlatformFailure(`${where}: ${cause}; the outcome is unknown.`, { kind: 'timed_out', cause, cure: '' }, { cause: error });
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
  const cause = error instanceof Error ? (error.cause as { code?: unknown } | undefined) : undefined;
  return typeof cause?.code === 'string' ? cause.code : error instanceof Error ? error.name : 'unknown';
}
