/** Requests as bytes, signed like Customer.io's or with a token, so that what is attacked is not only the guard. */
import { sign } from '../../src/api/index.ts';
import { SECRETS } from './registry.ts';
import type { Target } from './target.ts';

export type Role = 'nobody' | 'reader' | 'operator';

export const roleHeaders = (role: Role): Record<string, string> => (role === 'nobody' ? {} : { Authorization: `Bearer ${role === 'reader' ? SECRETS.read : SECRETS.operator}` });

/** @param secret default: the one of the source `demo` */
export function signedHeaders(body: Buffer | string, secret: string = SECRETS.signing): Record<string, string> {
  const timestamp = String(Math.floor(Date.now() / 1_000));
  return { 'X-CIO-Timestamp': timestamp, 'X-CIO-Signature': sign(secret, timestamp, body) };
}

export interface RawRequest {
  method?: string;
  path?: string;
  headers?: Record<string, string>;
  /** Its length is announced unless `headers` say something of it. */
  body?: Buffer | string;
}

/** The bytes of a request that keeps to the rules, as far as what it is given does. */
export function requestBytes({ host, port }: Pick<Target, 'host' | 'port'>, { method = 'GET', path = '/healthz', headers = {}, body }: RawRequest): Buffer {
  const names = Object.keys(headers).map((name) => name.toLowerCase());
  const length = body === undefined || names.includes('content-length') || names.includes('transfer-encoding') ? [] : [`Content-Length: ${String(Buffer.byteLength(body))}`];
  const lines = [`${method} ${path} HTTP/1.1`, ...(names.includes('host') ? [] : [`Host: ${host}:${String(port)}`]), ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`), ...length];
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), Buffer.from(body ?? '')]);
}

/** A webhook that keeps to the rules, with these bytes as its body. */
export const webhookBytes = (target: Pick<Target, 'host' | 'port'>, body: Buffer | string, more: Record<string, string> = {}, path = '/v1/webhooks/demo'): Buffer =>
  requestBytes(target, { method: 'POST', path, headers: { 'Content-Type': 'application/json', ...signedHeaders(body, path.endsWith('/reporting') ? SECRETS.reporting : SECRETS.signing), ...more }, body });
