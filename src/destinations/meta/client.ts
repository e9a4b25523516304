/** Meta's wire: one call that adds or removes rows. Payload in the body, token in the header, never in the address. */
import { createHmac } from 'node:crypto';
import { z } from 'zod';
import { PlatformFailure } from '../../domain/failures.ts';
import type { PushOperation } from '../destination.ts';
import { callPlatform, type HttpAnswer } from '../http-call.ts';
import { META_API_VERSION } from './api-version.ts';
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
export async function changeUsers(
  { destination, baseUrl, settings }: MetaClientOptions,
  operation: PushOperation,
  audienceId: string,
  payload: Payload,
  signal: AbortSignal,
): Promise<Received> {
  const url = `${baseUrl}/${META_API_VERSION}/${encodeURIComponent(audienceId)}/users`;
  const reply = await callPlatform(destination, url, {
    method: operation === 'add' ? 'POST' : 'DELETE',
    headers: { authorization: `Bearer ${settings.access_token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ payload, ...proof(settings) }),
    signal,
  });
  const restMs = restAfter(reply.headers);
  const error = readMetaError(reply.json);
  if (error) {
    const report = failureOf(error, restMs);
    throw new PlatformFailure(`${destination} refused audience ${audienceId}: ${report.cause}.`, report);
  }
  const parsed = answer.safeParse(reply.json);
  if (reply.status !== 200 || !parsed.success) throw notUnderstood(destination, reply);
  return {
    received: parsed.data.num_received,
    invalid: parsed.data.num_invalid_entries,
    samples: readSamples(parsed.data.invalid_entry_samples),
    restMs,
  };
}

/** A gateway's page, or a 200 that does not say what it took: nothing is known, so the call is made again. */
function notUnderstood(destination: string, reply: HttpAnswer): PlatformFailure {
  const cause = `HTTP ${String(reply.status)} with a body that Meta's API does not give: ${reply.text.replace(/\s+/g, ' ')}`;
  return new PlatformFailure(`${destination}: ${cause}.`, { kind: reply.status === 200 ? 'timed_out' : 'unavailable', cause, cure: '' });
}

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
