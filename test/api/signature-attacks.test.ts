/** Signatures and tokens as somebody would forge, replay, cut and confuse them. Each is refused, and in constant time. */
import type * as Crypto from 'node:crypto';
import { createHash, createHmac } from 'node:crypto';
import { beforeEach, describe, expect, test, vi } from 'vitest';

const { compared } = vi.hoisted(() => ({ compared: [] as [number, number][] }));
vi.mock('node:crypto', async (original) => {
  const crypto = await original<typeof Crypto>();
  const timingSafeEqual = (a: Buffer, b: Buffer): boolean => {
    compared.push([a.length, b.length]);
    return crypto.timingSafeEqual(a, b);
  };
  return { ...crypto, timingSafeEqual };
});
const { sameText, sign, whyUnauthorised } = await import('../../src/api/verify-signature.ts');

const NEW = 'the-new-signing-secret';
const OLD = 'the-old-signing-secret';
const OTHERS = 'signing-secret-of-another-source';
const TOKEN = 'bearer-token-of-this-source';
const NOW = 1_764_000_000_000;
const TIME = String(NOW / 1_000);
const BODY = '{"event_id":"e_1", "event":"cio.audience_add","amount":1.0}';
const source = { signingSecrets: [NEW, OLD], bearerTokens: [TOKEN], signatureAgeMs: 4 * 3_600_000 };
const RIGHT = sign(NEW, TIME, BODY);

interface Sent {
  signature?: string | undefined;
  timestamp?: string | undefined;
  authorization?: string | undefined;
  body?: Buffer | string;
  now?: number;
}
const whyNot = ({ body = BODY, now = NOW, ...sent }: Sent): string | undefined =>
  whyUnauthorised({ signature: RIGHT, timestamp: TIME, authorization: undefined, ...sent, body: Buffer.from(body) }, source, now);

const hmac = (algorithm: string, text: string, key = NEW): string => createHmac(algorithm, key).update(text).digest('hex');
const SIGNED = `v0:${TIME}:${BODY}`;
const HOUR = 3_600;
const at = (seconds: number): string => String(Number(TIME) + seconds);

test('what is right is taken, by either secret while one replaces the other', () => {
  expect(whyNot({})).toBeUndefined();
  expect(whyNot({ signature: sign(OLD, TIME, BODY) })).toBeUndefined();
  expect(whyNot({ signature: undefined, authorization: `Bearer ${TOKEN}` })).toBeUndefined();
});

describe('a signature is refused', () => {
  test.each<[string, Sent]>([
    ['of another body', { body: BODY.replace('e_1', 'e_2') }],
    ['of the same body written anew', { body: JSON.stringify(JSON.parse(BODY)) }],
    ['of the body with a byte more', { body: `${BODY}\n` }],
    ['of the body after a byte order mark', { body: `\ufeff${BODY}` }],
    ['of no body', { body: '' }],
    ['of another time', { timestamp: at(1) }],
    ['of the same time in another form', { timestamp: `0${TIME}` }],
    ['with a part of the body moved into the time', { timestamp: TIME.slice(0, -1), body: `${TIME.slice(-1)}:${BODY}` }],
    ['by another source', { signature: sign(OTHERS, TIME, BODY) }],
    ['by no secret', { signature: hmac('sha256', SIGNED, '') }],
    ['by the token', { signature: sign(TOKEN, TIME, BODY) }],
    ['by both secrets at once', { signature: sign(NEW + OLD, TIME, BODY) }],
    ['cut by a digit', { signature: RIGHT.slice(0, -1) }],
    ['cut to its beginning', { signature: RIGHT.slice(0, 16) }],
    ['that is too long', { signature: `${RIGHT}0` }],
    ['that is empty', { signature: '' }],
    ['of zeroes', { signature: '0'.repeat(64) }],
    ['in upper case', { signature: RIGHT.toUpperCase() }],
    ['with spaces', { signature: ` ${RIGHT} ` }],
    ['with a version before it', { signature: `v0=${RIGHT}` }],
    ['with an algorithm before it', { signature: `sha256=${RIGHT}` }],
    ['twice, as two headers are joined', { signature: `${RIGHT}, ${RIGHT}` }],
    ['beside a wrong one', { signature: `${'0'.repeat(64)}, ${RIGHT}` }],
    ['in base64', { signature: Buffer.from(RIGHT, 'hex').toString('base64') }],
    ['of the version v1', { signature: hmac('sha256', `v1:${TIME}:${BODY}`) }],
    ['without a version', { signature: hmac('sha256', `${TIME}:${BODY}`) }],
    ['of the body alone', { signature: hmac('sha256', BODY) }],
    ['by SHA-1', { signature: hmac('sha1', SIGNED) }],
    ['by MD5', { signature: hmac('md5', SIGNED) }],
    ['by SHA-512', { signature: hmac('sha512', SIGNED) }],
    ['by a plain hash with the secret in front', { signature: createHash('sha256').update(NEW + SIGNED).digest('hex') }],
    ['that says none', { signature: 'none' }],
    ['that is a name of every object', { signature: '__proto__' }],
    ['that is the secret', { signature: NEW }],
  ])('%s', (_name, sent) => {
    expect(whyNot(sent)).toMatch(/^X-CIO-Signature does not match/);
    // A token does not make it right: who signs wrongly is not who they say.
    expect(whyNot({ ...sent, authorization: `Bearer ${TOKEN}` })).toMatch(/^X-CIO-Signature does not match/);
  });

  test.each<[string, string | undefined]>([
    ['none', undefined], ['empty', ''], ['negative', `-${TIME}`], ['a fraction', `${TIME}.0`], ['with an exponent', '1e9'], ['hexadecimal', '0x69238000'], ['milliseconds', String(NOW)], ['a list', `${TIME}, ${TIME}`], ['with a space', ` ${TIME}`], ['with a line after it', `${TIME}\n`], ['other digits', '١٧٦٤٠٠٠٠٠٠'], ['a date', '2025-11-24T16:00:00Z'],
  ])('whose time is %s, although it is right for that text', (_name, timestamp) => {
    expect(whyNot({ timestamp, signature: sign(NEW, timestamp ?? '', BODY) })).toMatch(/^X-CIO-Timestamp is missing or not a time/);
  });

  test.each<[string, number, boolean]>([
    ['four hours old', -4 * HOUR, true], ['a second older', -4 * HOUR - 1, false], ['a day old', -24 * HOUR, false], ['four hours ahead', 4 * HOUR, true], ['a second more ahead', 4 * HOUR + 1, false], ['of the far future', 90 * 365 * 24 * HOUR, false],
  ])('once it is too old or too far ahead: %s', (_name, seconds, taken) => {
    const replayed = { timestamp: at(seconds), signature: sign(NEW, at(seconds), BODY) };
    if (taken) expect(whyNot(replayed)).toBeUndefined();
    else expect(whyNot(replayed)).toMatch(/^X-CIO-Timestamp is too old/);
  });
});

describe('a token is refused', () => {
  test.each([`Bearer ${TOKEN}x`, `Bearer ${TOKEN.slice(0, -1)}`, `Bearer ${TOKEN.toUpperCase()}`, `Bearer  ${TOKEN}`, `Bearer ${TOKEN}, Bearer ${TOKEN}`, 'Bearer ', 'Bearer null', `Basic ${Buffer.from(`x:${TOKEN}`).toString('base64')}`, TOKEN, `Bearer ${NEW}`, `Bearer ${OTHERS}`, ` Bearer ${TOKEN}`])('%j', (authorization) => {
    expect(whyNot({ signature: undefined, timestamp: undefined, authorization })).toMatch(/bearer token is not one of this source|this source needs/);
  });
  test('of another source', () => {
    const other = { ...source, bearerTokens: ['bearer-token-of-another-source'] };
    expect(whyUnauthorised({ signature: undefined, timestamp: undefined, authorization: `Bearer ${TOKEN}`, body: Buffer.from(BODY) }, other, NOW)).toMatch(/not one of this source/);
  });
  test('where the source has none, whatever it is', () => {
    const bare = { ...source, bearerTokens: [] };
    for (const given of ['', 'undefined', 'null', TOKEN]) expect(whyUnauthorised({ signature: undefined, timestamp: undefined, authorization: `Bearer ${given}`, body: Buffer.from(BODY) }, bare, NOW)).toMatch(/needs X-CIO-Signature/);
  });
});

describe('comparing', () => {
  beforeEach(() => void compared.splice(0));
  test.each<[string, Sent]>([['a right signature', {}], ['one that is wrong from the first digit', { signature: 'f'.repeat(64) }], ['a short one', { signature: 'a' }], ['a long one', { signature: 'a'.repeat(5_000) }]])('%s is compared with each secret, whole, in constant time', (_name, sent) => {
    whyNot(sent);
    expect(compared).toEqual([[32, 32], [32, 32]]);
  });
  test('tokens are compared the same way, whatever their lengths', () => {
    expect([sameText(TOKEN, TOKEN), sameText(TOKEN, 'x'), sameText(TOKEN, ''), sameText('', '')]).toEqual([true, false, false, true]);
    expect(compared).toEqual(Array(4).fill([32, 32]));
  });
});

test('no refusal tells a secret or what would have been right', () => {
  const said = [whyNot({ signature: 'x' }), whyNot({ timestamp: 'x' }), whyNot({ signature: undefined }), whyNot({ signature: undefined, authorization: 'Bearer x' })].join('\n');
  for (const secret of [NEW, OLD, TOKEN, RIGHT, sign(OLD, TIME, BODY)]) expect(said).not.toContain(secret);
});
