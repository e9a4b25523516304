/** Who may post: Customer.io's signature, a bearer token, or both. Compared in constant time. */
import { createHmac, hash, timingSafeEqual } from 'node:crypto';

export interface Credentials {
  signingSecrets: readonly string[];
  bearerTokens: readonly string[];
  /** How old (or how far ahead) the signature's time may be, in milliseconds. */
  signatureAgeMs: number;
}

export interface SignedRequest {
  signature: string | undefined;
  timestamp: string | undefined;
  authorization: string | undefined;
  /** The body's bytes as received. */
  body: Buffer;
}

/**
 * Undefined when the request is authentic, else why it is not, for the sender's eyes. A signature that is there must be right;
 * without one a bearer token must be.
 * Scheme: lower-case hex HMAC-SHA256 of `v0:<timestamp>:<raw body>`, https://docs.customer.io/journeys/webhooks-action (read 2026-11).
 */
export function whyUnauthorised(request: SignedRequest, credentials: Credentials, now: number): string | undefined {
  if (request.signature !== undefined && credentials.signingSecrets.length > 0) return whySignatureIsWrong(request, credentials, now);
  const token = /^Bearer (.+)$/i.exec(request.authorization ?? '')?.[1];
  if (token !== undefined && credentials.bearerTokens.some((expected) => sameText(expected, token))) return undefined;
  if (token !== undefined && credentials.bearerTokens.length > 0) return 'the bearer token is not one of this source';
  if (credentials.signingSecrets.length + credentials.bearerTokens.length === 0) return 'this source has no secret for this route in headgate.yaml: give it a reporting_secret';
  const wanted = [
    ...(credentials.signingSecrets.length > 0 ? ['X-CIO-Signature with X-CIO-Timestamp'] : []),
    ...(credentials.bearerTokens.length > 0 ? ['Authorization: Bearer …'] : []),
  ];
  return `this source needs ${wanted.join(' or ')}`;
}

function whySignatureIsWrong(request: SignedRequest, credentials: Credentials, now: number): string | undefined {
  const { signature = '', timestamp = '', body } = request;
  if (!/^\d{1,12}$/.test(timestamp)) return 'X-CIO-Timestamp is missing or not a time in seconds';
  const matches = credentials.signingSecrets.map((secret) => sameText(sign(secret, timestamp, body), signature));
  if (!matches.includes(true)) return 'X-CIO-Signature does not match: compare the signing secret with the one that Customer.io shows';
  const age = Math.abs(now - Number(timestamp) * 1_000);
  return age > credentials.signatureAgeMs ? 'X-CIO-Timestamp is too old (or too far ahead): see signature_age of the source' : undefined;
}

/** The signature of a body: lower-case hex. `timestamp` in seconds, as text. */
export function sign(secret: string, timestamp: string, body: Buffer | string): string {
  return createHmac('sha256', secret).update(`v0:${timestamp}:`).update(body).digest('hex');
}

/** Takes the same time for every text of the given length: compares digests, so that not even the length of what is expected shows. */
export function sameText(expected: string, given: string): boolean {
  return timingSafeEqual(hash('sha256', expected, 'buffer'), hash('sha256', given, 'buffer'));
}
