/** Google's wire: JSON over HTTPS with an access token. No `developer-token` and no `login-customer-id`: those are of the Google Ads API. */
import type { GoogleCredentials } from '../google-credentials.ts';
import { callPlatform, notUnderstood, refusal, retryAfterOf, type HttpAnswer } from '../http-call.ts';
import { GOOGLE_API_VERSION } from './api-version.ts';
import { failureOf, readGoogleError, type GoogleError } from './errors.ts';
import type { GoogleSettings } from './settings.ts';

export interface GoogleClientOptions {
  destination: string;
  baseUrl: string;
  settings: GoogleSettings;
  credentials: GoogleCredentials;
}

export interface GoogleCall {
  method: 'GET' | 'POST';
  /** After the version, such as `audienceMembers:ingest`. */
  path: string;
  /** For messages: what the call is about. */
  what: string;
  headers?: Record<string, string>;
  body?: object;
}

/** The answer's JSON, or Google's own error as it came. Throws PlatformFailure when there is neither. */
export async function callGoogle(options: GoogleClientOptions, call: GoogleCall, signal: AbortSignal): Promise<{ json: unknown; reply: HttpAnswer } | { error: GoogleError; reply: HttpAnswer }> {
  const reply = await options.credentials.call((token) => send(options, call, token, signal));
  const error = readGoogleError(reply.json);
  if (error) return { error, reply };
  if (reply.status !== 200 || reply.json === undefined) throw notUnderstood(options.destination, reply);
  return { json: reply.json, reply };
}

/** Like callGoogle, but an error of Google throws too. */
export async function askGoogle(options: GoogleClientOptions, call: GoogleCall, signal: AbortSignal): Promise<{ json: unknown; reply: HttpAnswer }> {
  const answer = await callGoogle(options, call, signal);
  if ('error' in answer) throw refused(options, call, answer);
  return answer;
}

export const refused = ({ destination }: GoogleClientOptions, { what }: GoogleCall, { error, reply }: { error: GoogleError; reply: HttpAnswer }) =>
  refusal(destination, what, failureOf(error, retryAfterOf(reply.headers)));

function send({ destination, baseUrl }: GoogleClientOptions, { method, path, headers, body }: GoogleCall, token: string, signal: AbortSignal): Promise<HttpAnswer> {
  return callPlatform(destination, `${baseUrl}/${GOOGLE_API_VERSION}/${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal,
  });
}
