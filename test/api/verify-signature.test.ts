/** Signatures and tokens. The two check values were calculated from Customer.io's published rule with a made-up key. */
import { describe, expect, test } from 'vitest';
import { sameText, sign, whyUnauthorised, type SignedRequest } from '../../src/api/verify-signature.ts';

const KEY = 'test-signing-key-not-real';
const TIMESTAMP = '1613063100';
const NOW = 1_613_063_100_000;
const BODIES: [string, string][] = [
  [
    '{"metric":"sent","event_id":"01E4C4CT6YDC7Y5M7FE1GWWPQJ","object_type":"email","timestamp":1613063089,"data":{"action_id":42,"broadcast_id":9,"customer_id":"0200000001","delivery_id":"RPILAgUBcRhIBqSfeiIwdIYJKxTY","identifiers":{"id":"42","email":"test@example.com","cio_id":"d9c106000001"},"recipient":"test@example.com"}}',
    '356d41c04d3cf65d1e31a1e19a8fad9a00bca48a593f57c10f5c194429f0cd7f',
  ],
  [
    '{"data":{"action_id":36,"broadcast_id":9,"customer_id":"0200102","identifiers":{"id":"0200102"},"delivery_id":"RPILAgABcRhIBqSp7kiPekGBIeVh","href":"http://google.com","link_id":1,"recipient":"test@example.com","subject":"hello"},"event_id":"01E4C8BES5XT87ZWRJFTB35YJ3","object_type":"email","metric":"clicked","timestamp":1585254348}',
    '89dcad988ca6d45dc8790a59d7eb29daf52d4ed16bf35cb06ad55531534144e5',
  ],
];

test.each(BODIES)('the published rule gives the known signature (%#)', (body, signature) => {
  expect(sign(KEY, TIMESTAMP, body)).toBe(signature);
});

const body = Buffer.from('{"name":"Zoë 🛒"}');
const request = (overrides: Partial<SignedRequest> = {}): SignedRequest => ({ signature: sign(KEY, TIMESTAMP, body), timestamp: TIMESTAMP, authorization: undefined, body, ...overrides });
const signed = { signingSecrets: [KEY], bearerTokens: [], signatureAgeMs: 4 * 3_600_000 };

test('bytes are signed as they came, whatever their script', () => {
  expect(whyUnauthorised(request(), signed, NOW)).toBeUndefined();
  expect(whyUnauthorised(request({ body: Buffer.from('{"name":"Zoe 🛒"}') }), signed, NOW)).toMatch(/does not match/);
});

test('both secrets of a rotation count', () => {
  expect(whyUnauthorised(request(), { ...signed, signingSecrets: ['the-new-secret', KEY] }, NOW)).toBeUndefined();
});

test.each(['', 'short', 'v0=0', 'ä'.repeat(64)])('a signature of another length or form is refused, not an error (%j)', (signature) => {
  expect(whyUnauthorised(request({ signature }), signed, NOW)).toMatch(/does not match/);
});

test.each([undefined, '', 'yesterday', '1e9', '-5'])('a timestamp that is no time is refused (%j)', (timestamp) => {
  expect(whyUnauthorised(request({ timestamp }), signed, NOW)).toMatch(/X-CIO-Timestamp/);
});

test('an old signature is refused, and so is one from the future', () => {
  expect(whyUnauthorised(request(), signed, NOW + 4 * 3_600_000)).toBeUndefined();
  expect(whyUnauthorised(request(), signed, NOW + 4 * 3_600_000 + 1)).toMatch(/too old/);
  expect(whyUnauthorised(request(), signed, NOW - 5 * 3_600_000)).toMatch(/too far ahead/);
});

describe('a bearer token', () => {
  const source = { ...signed, bearerTokens: ['a-bearer-token'] };
  const bearer = (token: string): SignedRequest => request({ signature: undefined, timestamp: undefined, authorization: `Bearer ${token}` });
  test('is enough when the source has one', () => {
    expect(whyUnauthorised(bearer('a-bearer-token'), source, NOW)).toBeUndefined();
    expect(whyUnauthorised(bearer('another-token'), source, NOW)).toMatch(/bearer token/);
  });
  test('does not count for a source that has none', () => {
    expect(whyUnauthorised(bearer('a-bearer-token'), signed, NOW)).toMatch(/needs X-CIO-Signature/);
  });
  test('does not make a wrong signature right', () => {
    expect(whyUnauthorised({ ...bearer('a-bearer-token'), signature: 'wrong', timestamp: TIMESTAMP }, source, NOW)).toMatch(/does not match/);
  });
});

test('a request with nothing is told what is needed', () => {
  expect(whyUnauthorised(request({ signature: undefined }), { ...signed, bearerTokens: ['t'] }, NOW)).toBe('this source needs X-CIO-Signature with X-CIO-Timestamp or Authorization: Bearer …');
  expect(sameText('a', 'ab')).toBe(false);
});
