/** BigQuery's wire: JSON over HTTPS with an access token; one call, no retries. */
import type { GoogleCredentials } from '../../destinations/google-credentials.ts';
import { callPlatform, notUnderstood, refusal, retryAfterOf, type HttpAnswer } from '../../destinations/http-call.ts';
import { failureOf, readBigQueryError, type BigQueryError } from './errors.ts';
import type { BigQuerySettings } from './settings.ts';

/** https://www.googleapis.com/discovery/v1/apis/bigquery/v2/rest (the project's facts of 2026-11) */
export const BIGQUERY_URL = 'https://bigquery.googleapis.com';
export const BIGQUERY_SCOPE = 'https://www.googleapis.com/auth/bigquery';

export interface BigQueryClientOptions {
  exporter: string;
  /** Without `/bigquery/v2`. */
  baseUrl: string;
  settings: BigQuerySettings;
  credentials: GoogleCredentials;
}

export interface BigQueryCall {
  method: 'GET' | 'POST' | 'PATCH';
  /** After the project, such as `datasets/headgate`. */
  path: string;
  /** For messages: what the call is about. */
  what: string;
  headers?: Record<string, string>;
  /** As JSON. */
  body?: string;
}

type Answered = { json: unknown; reply: HttpAnswer } | { error: BigQueryError; reply: HttpAnswer };

/** The answer's JSON, or BigQuery's own error as it came. Throws PlatformFailure when there is neither. */
export async function callBigQuery(options: BigQueryClientOptions, call: BigQueryCall, signal: AbortSignal): Promise<Answered> {
  const reply = await options.credentials.call((token) => send(options, call, token, signal));
  const error = readBigQueryError(reply.json);
  if (error) return { error, reply };
  if (reply.status !== 200 || reply.json === undefined) throw notUnderstood(options.exporter, reply);
  return { json: reply.json, reply };
}

/** Like callBigQuery, but an error of BigQuery throws too; undefined when what is asked for is not there. */
export async function findInBigQuery(options: BigQueryClientOptions, call: BigQueryCall, signal: AbortSignal): Promise<{ json: unknown; reply: HttpAnswer } | undefined> {
  const answer = await callBigQuery(options, call, signal);
  if (!('error' in answer)) return answer;
  if (answer.error.code === 404) return undefined;
  throw refused(options, call, answer);
}

export const refused = ({ exporter }: BigQueryClientOptions, { what }: BigQueryCall, { error, reply }: { error: BigQueryError; reply: HttpAnswer }) =>
  refusal(exporter, what, failureOf(error, retryAfterOf(reply.headers)));

function send({ exporter, baseUrl, settings }: BigQueryClientOptions, { method, path, headers, body }: BigQueryCall, token: string, signal: AbortSignal): Promise<HttpAnswer> {
  return callPlatform(exporter, `${baseUrl}/bigquery/v2/projects/${encodeURIComponent(settings.project)}/${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body }),
    signal,
  });
}
