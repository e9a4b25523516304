/** Snap's wire: an hour's access token made from the refresh token, and `users` of a segment. */
import { z } from 'zod';
import { PlatformFailure } from '../../domain/failures.ts';
import { callPlatform, notUnderstood, refusal, retryAfterOf, type HttpAnswer } from '../http-call.ts';
import { SNAP_API_VERSION } from './api-version.ts';
import { failureOf, readSnapError, TOKEN_CURE } from './errors.ts';
import type { SnapSettings } from './settings.ts';

const token = z.object({ access_token: z.string().min(1), expires_in: z.number().default(1_800) });
/** A token is renewed so long before it ends, in milliseconds. */
const RENEW_BEFORE_MS = 60_000;

export class SnapClient {
  readonly destination: string;
  readonly settings: SnapSettings;
  readonly #baseUrl: string;
  readonly #tokenUrl: string;
  #token: { text: string; until: number } | undefined;

  constructor(destination: string, settings: SnapSettings, urls: { baseUrl: string; tokenUrl: string }) {
    this.destination = destination;
    this.settings = settings;
    this.#baseUrl = urls.baseUrl;
    this.#tokenUrl = urls.tokenUrl;
  }

  /** Throws PlatformFailure for everything but a success in the body. */
  async call(method: 'GET' | 'POST' | 'DELETE', path: string, what: string, signal: AbortSignal, body?: object): Promise<{ json: unknown; reply: HttpAnswer }> {
    let reply = await this.#send(method, path, signal, body);
    if (reply.status === 401) {
      this.#token = undefined;
      reply = await this.#send(method, path, signal, body);
    }
    const error = readSnapError(reply.json, reply.status);
    if (error) throw refusal(this.destination, what, failureOf(reply.status, error, retryAfterOf(reply.headers)));
    if (reply.status >= 300 || reply.json === undefined) throw notUnderstood(this.destination, reply);
    return { json: reply.json, reply };
  }

  async #send(method: string, path: string, signal: AbortSignal, body: object | undefined): Promise<HttpAnswer> {
    const headers = { authorization: `Bearer ${await this.#accessToken(signal)}`, 'content-type': 'application/json' };
    return callPlatform(this.destination, `${this.#baseUrl}/${SNAP_API_VERSION}/${path}`, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }), signal });
  }

  async #accessToken(signal: AbortSignal): Promise<string> {
    if (this.#token && this.#token.until > Date.now()) return this.#token.text;
    const { client_id: id, client_secret: secret, refresh_token: refresh } = this.settings;
    const body = new URLSearchParams({ grant_type: 'refresh_token', client_id: id, client_secret: secret, refresh_token: refresh });
    const reply = await callPlatform(this.destination, this.#tokenUrl, { method: 'POST', body, signal });
    if (reply.status >= 500 || reply.status === 429) throw notUnderstood(this.destination, reply);
    const parsed = token.safeParse(reply.json);
    if (!parsed.success) {
      const cause = `Snap gave no access token (HTTP ${String(reply.status)})`;
      throw new PlatformFailure(`${this.destination}: ${cause}.`, { kind: 'unauthorised', cause, cure: TOKEN_CURE });
    }
    this.#token = { text: parsed.data.access_token, until: Date.now() + parsed.data.expires_in * 1_000 - RENEW_BEFORE_MS };
    return this.#token.text;
  }
}
