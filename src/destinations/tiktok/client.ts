/** TikTok's wire. A 200 says nothing; `code` in the body does. */
import { z } from 'zod';
import { callPlatform, notUnderstood, refusal, type HttpAnswer } from '../http-call.ts';
import { TIKTOK_API_VERSION } from './api-version.ts';
import { failureOf, failureOfStatus } from './errors.ts';
import type { TiktokSettings } from './settings.ts';

export interface TiktokClientOptions {
  destination: string;
  baseUrl: string;
  settings: TiktokSettings;
}

export interface TiktokCall {
  method: 'GET' | 'POST';
  /** After the version, with its slash at the end. */
  path: string;
  /** For messages: what the call is about. */
  what: string;
  query?: Record<string, string>;
  body?: object;
}

const envelope = z.object({ code: z.number(), message: z.string().default(''), request_id: z.string().optional(), data: z.unknown() });
export type TiktokAnswer = z.infer<typeof envelope>;

/** Throws PlatformFailure for every code that is not among `codes`. */
export async function callTiktok(options: TiktokClientOptions, call: TiktokCall, codes: readonly number[], signal: AbortSignal): Promise<{ answer: TiktokAnswer; reply: HttpAnswer }> {
  const { destination, baseUrl, settings } = options;
  const query = call.query === undefined ? '' : `?${new URLSearchParams(call.query).toString()}`;
  const reply = await callPlatform(destination, `${baseUrl}/${TIKTOK_API_VERSION}/${call.path}${query}`, {
    method: call.method,
    headers: { 'access-token': settings.access_token, 'content-type': 'application/json' },
    ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
    signal,
  });
  const parsed = envelope.safeParse(reply.json);
  if (!parsed.success) {
    if (reply.status >= 400) throw refusal(destination, call.what, failureOfStatus(reply.status, reply.text));
    throw notUnderstood(destination, reply);
  }
  const { code, message, request_id: requestId } = parsed.data;
  // A success under a status of failure is none that the API gives.
  if (reply.status >= 400 && codes.includes(code)) throw notUnderstood(destination, reply);
  if (!codes.includes(code)) throw refusal(destination, call.what, failureOf(code, message, requestId));
  return { answer: parsed.data, reply };
}
