/** Signatures of Standard Webhooks. https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md (read 2026-11) */
import { createHmac } from 'node:crypto';

const PREFIX = 'whsec_';
const FEWEST_BYTES = 24;
const MOST_BYTES = 64;

/** The key in a secret such as `whsec_…`; undefined when it is none. */
export function keyOf(secret: string): Buffer | undefined {
  const text = secret.startsWith(PREFIX) ? secret.slice(PREFIX.length) : secret;
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined;
  const key = Buffer.from(text, 'base64');
  return key.length >= FEWEST_BYTES && key.length <= MOST_BYTES ? key : undefined;
}

/**
 * The headers of one attempt.
 * @param id the same for each attempt
 * @param at milliseconds since the epoch, of this attempt
 * @param secrets two while one replaces the other: receivers accept either
 */
export function signedHeaders(id: string, at: number, body: string, secrets: readonly string[]): Record<string, string> {
  const timestamp = String(Math.floor(at / 1_000));
  const signatures = secrets.map((secret) => {
    const key = keyOf(secret);
    if (!key) throw new Error('a signing secret is not in the form of Standard Webhooks');
    return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
  });
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, ...(signatures.length > 0 ? { 'webhook-signature': signatures.join(' ') } : {}) };
}
