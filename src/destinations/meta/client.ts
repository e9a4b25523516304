/** Meta's wire. Payload in the body, token in the header, never in the address. */
import { createHmac } from 'node:crypto';
import { z } from 'zod';
import type { PushOperation } from '../destination.ts';
import { callPlatform, notUnderstood, refusal, type HttpAnswer } from '../http-call.ts';
import { failureOf, readMetaError } from './errors.ts';
import type { Payload } from './mapping.ts';
import type { MetaSettings } from './settings.ts';
import { restAfter } from './throttling.ts';

export interface MetaClientOptions {
  destination: string;
  baseUrl: string;
  settings: MetaSettings;
}

/** What Meta took in. A 200 means "rows received", not "people added". */
export interface Received {
  received: number;
  invalid: number;
  /** Row, as the exact JSON text that was sent, to Meta's reason. At most 100 of them. */
  samples: ReadonlyMap<string, string>;
  restMs: number;
}

const samples = z.union([z.record(z.string(), z.unknown()), z.array(z.unknown())]).optional();
const answer = z.object({ num_received: z.number(), num_invalid_entries: z.number().default(0), invalid_entry_samples: samples });

/** Sends one call. Throws PlatformFailure for everything but a 200 that says what was received. */
export async function changeUsers(options: MetaClientOptions, operation: PushOperation, audienceId: string, payload: Payload, signal: AbortSignal): Promise<Received> {
  const method = operation === 'add' ? 'POST' : 'DELETE';
  const { json, restMs, reply } = await callMeta(options, method, `${encodeURIComponent(audienceId)}/users`, `audience ${audienceId}`, signal, { payload }, payload.data.length);
  const parsed = answer.safeParse(json);
  if (!parsed.success) throw notUnderstood(options.destination, reply);
  return {
    received: parsed.data.num_received,
    invalid: parsed.data.num_invalid_entries,
    samples: readSamples(parsed.data.invalid_entry_samples),
    restMs,
  };
}

/**
 * One call of the Graph API: what is not a 200 with JSON throws PlatformFailure.
 * @param what for messages: what the call was about
 * @param rows how many rows the body carries
 */
export async function callMeta(
  { destination, baseUrl, settings }: MetaClientOptions,
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  what: string,
  signal: AbortSignal,
  body?: object,
  rows = 0,
): Promise<{ json: unknown; restMs: number; reply: HttpAnswer }> {
  const headers = { authorization: `Bearer ${settings.access_token}`, 'content-type': 'application/json' };
  const query = method === 'GET' ? queryOf(proof(settings)) : '';
  const url = `${baseUrl}/${settings.api_version}/${path}${query === '' ? '' : `${path.includes('?') ? '&' : '?'}${query}`}`;
  const content = method === 'GET' ? {} : { body: JSON.stringify({ ...body, ...proof(settings) }) };
  const reply = await callPlatform(destination, url, { method, headers, ...content, signal });
  const restMs = restAfter(reply.headers);
  const error = readMetaError(reply.json);
  if (error) throw refusal(destination, what, failureOf(error, restMs, rows));
  if (reply.status !== 200) throw notUnderstood(destination, reply);
  return { json: reply.json, restMs, reply };
}

const queryOf = (parameters: object): string => new URLSearchParams(Object.entries(parameters).map(([name, value]): [string, string] => [name, String(value)])).toString();

function readSamples(given: z.infer<typeof samples>): Map<string, string> {
  if (given === undefined || Array.isArray(given)) return new Map();
  return new Map(Object.entries(given).map(([row, reason]) => [row, typeof reason === 'string' ? reason : JSON.stringify(reason)]));
}

/** Time-bound form: hex HMAC-SHA256(app secret, `token|unix time`). */
function proof(settings: MetaSettings): object {
  if (settings.app_secret === undefined) return {};
  const time = Math.floor(Date.now() / 1_000);
  const hmac = createHmac('sha256', settings.app_secret).update(`${settings.access_token}|${String(time)}`).digest('hex');
  return { appsecret_proof: hmac, appsecret_time: time };
}
