/** The codec against AES-GCM done here by hand, byte by byte, so that a mistake in the code cannot hide in the test. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EncryptingCodec, Keyring, parseKeys } from '../../src/encryption/index.ts';

const [A, B] = [Buffer.from('00112233445566778899aabbccddeeff'.repeat(2), 'hex'), Buffer.from('ffeeddccbbaa99887766554433221100'.repeat(2), 'hex')];
const written = { a: `2026-05:${A.toString('base64')}`, b: `2026-11:${B.toString('base64')}` };
const codecWith = (keys: string, namespace = 'default'): EncryptingCodec => new EncryptingCodec(new Keyring({ keys: parseKeys(keys).keys }), namespace);
const payload = (value: unknown): Payload => defaultPayloadConverter.toPayload(value);
const valueOf = (one: Payload | undefined): unknown => defaultPayloadConverter.fromPayload(one!);
const text = (bytes: Uint8Array | null | undefined): string => Buffer.from(bytes ?? []).toString();

/** Protobuf of `Payload { map<string, bytes> metadata = 1; bytes data = 2 }` for short fields, as https://protobuf.dev/programming-guides/encoding/ says. */
function protobufOf(encoding: string, data: string): Buffer {
  const field = (number: number, bytes: Buffer): Buffer => Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes]);
  const entry = Buffer.concat([field(1, Buffer.from('encoding')), field(2, Buffer.from(encoding))]);
  return Buffer.concat([field(1, entry), field(2, Buffer.from(data))]);
}

const aad = (namespace: string, id: string): Buffer => Buffer.from(`["headgate-payload-1","${namespace}","${id}"]`);

function sealByHand(key: Buffer, id: string, namespace: string, plain: Buffer): Payload {
  const nonce = Buffer.from('0102030405060708090a0b0c', 'hex');
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(aad(namespace, id));
  const sealed = Buffer.concat([cipher.update(plain), cipher.final()]);
  return { metadata: { encoding: Buffer.from('binary/encrypted'), 'encryption-key-id': Buffer.from(id) }, data: Buffer.concat([nonce, sealed, cipher.getAuthTag()]) };
}

describe('the format', () => {
  test('what was sealed by hand is opened', async () => {
    const sealed = sealByHand(A, '2026-05', 'default', protobufOf('json/plain', '{"cart_value":182.5}'));
    expect(Buffer.from(sealed.data!).toString('hex')).toBe('0102030405060708090a0b0c70640fa88d79c62e8e91d5a67ee575611cf08c875b908f2d3e868f8d2f56573c1aa822d0b41a9ea9308f02ba1561c10c172d328d0a91d7dc7cad1001bce9');
    expect((await codecWith(written.a).decode([sealed])).map(valueOf)).toEqual([{ cart_value: 182.5 }]);
  });
  test('what was sealed by the codec is opened by hand', async () => {
    const [sealed] = await codecWith(`${written.b},${written.a}`).encode([payload('Ada')]);
    expect(Object.entries(sealed!.metadata!).map(([name, value]) => [name, text(value)])).toEqual([['encoding', 'binary/encrypted'], ['encryption-key-id', '2026-11']]);
    const data = Buffer.from(sealed!.data!);
    const decipher = createDecipheriv('aes-256-gcm', B, data.subarray(0, 12)).setAAD(aad('default', '2026-11')).setAuthTag(data.subarray(-16));
    expect(Buffer.concat([decipher.update(data.subarray(12, -16)), decipher.final()])).toEqual(protobufOf('json/plain', '"Ada"'));
  });
  test('a nonce of its own for each payload', async () => {
    const sealed = await codecWith(written.a).encode(Array.from({ length: 500 }, () => payload('the same')));
    expect(new Set(sealed.map(({ data }) => Buffer.from(data!).subarray(0, 12).toString('hex'))).size).toBe(500);
  });
  test('so little is added that nothing near the limits of Temporal comes near them', async () => {
    const plain = payload('x'.repeat(100_000));
    const [sealed] = await codecWith(written.a).encode([plain]);
    expect(sealed!.data!.length - plain.data!.length).toBeLessThan(64);
  });
});

const anyPayload = fc.record({
  metadata: fc.dictionary(fc.string({ maxLength: 30 }), fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)), { noNullPrototype: true, maxKeys: 6 }),
  data: fc.uint8Array({ maxLength: 3_000 }).map((bytes) => Buffer.from(bytes)),
});

test('whatever is encoded is decoded again, by whatever order of the keys', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyPayload, { maxLength: 5 }), fc.boolean(), async (payloads, first) => {
      const [writing, reading] = first ? [`${written.a},${written.b}`, `${written.b},${written.a}`] : [written.b, `plain,${written.a},${written.b}`];
      const decoded = await codecWith(reading).decode(await codecWith(writing).encode(payloads));
      const bytesOf = ({ metadata, data }: Payload) => ({ metadata: Object.entries(metadata ?? {}).map(([name, value]) => [name, Buffer.from(value).toString('hex')]).sort(), data: Buffer.from(data ?? []).toString('hex') });
      expect(decoded.map(bytesOf)).toEqual(payloads.map(bytesOf));
    }),
  );
});

test('values of every kind come back', async () => {
  const codec = codecWith(written.a);
  for (const value of [undefined, null, '', 0, 'für Ada 🙂', { deep: [{ a: 1 }] }, new Uint8Array([0, 255, 1])]) {
    expect(valueOf((await codec.decode(await codec.encode([payload(value)])))[0])).toEqual(value);
  }
});

describe('tampering', () => {
  const seal = async (): Promise<Payload> => (await codecWith(`${written.a},${written.b}`).encode([payload('Ada')]))[0]!;
  const flip = (bytes: Uint8Array, at: number): Buffer => {
    const copy = Buffer.from(bytes);
    copy[at < 0 ? copy.length + at : at]! ^= 1;
    return copy;
  };
  const both = `${written.a},${written.b}`;
  test.each<[string, (sealed: Payload) => Payload]>([
    ['the nonce', (sealed) => ({ ...sealed, data: flip(sealed.data!, 0) })],
    ['the text', (sealed) => ({ ...sealed, data: flip(sealed.data!, 14) })],
    ['the tag', (sealed) => ({ ...sealed, data: flip(sealed.data!, -1) })],
    ['the length', (sealed) => ({ ...sealed, data: Buffer.from(sealed.data!).subarray(0, -1) })],
    ['a shorter tag', (sealed) => ({ ...sealed, data: Buffer.from(sealed.data!).subarray(0, 20) })],
    ['no data', (sealed) => ({ ...sealed, data: Buffer.alloc(0) })],
    ['no data at all', ({ metadata }) => ({ metadata: metadata! })],
    ['the id of another key', (sealed) => ({ ...sealed, metadata: { ...sealed.metadata, 'encryption-key-id': Buffer.from('2026-11') } })],
  ])('%s', async (_what, tamper) => {
    await expect(codecWith(both).decode([payload('fine'), tamper(await seal())])).rejects.toThrow(/cannot be opened: it was changed/);
  });
  test('every single bit counts', async () => {
    const sealed = await seal();
    const codec = codecWith(both);
    for (let at = 0; at < sealed.data!.length; at++) await expect(codec.decode([{ ...sealed, data: flip(sealed.data!, at) }])).rejects.toThrow('cannot be opened');
  });
  test('a payload that was carried into another namespace', async () => {
    await expect(codecWith(both, 'staging').decode([await seal()])).rejects.toThrow('another namespace than staging');
  });
  test('the same id with another key', async () => {
    const other = `2026-05:${randomBytes(32).toString('base64')}`;
    await expect(codecWith(other).decode([await seal()])).rejects.toThrow('another key by that id in HEADGATE_ENCRYPTION_KEYS');
  });
});

describe('switching on and off', () => {
  test('plain payloads pass, among encrypted ones too', async () => {
    const codec = codecWith(written.a);
    const [sealed] = await codec.encode([payload('new')]);
    expect((await codec.decode([payload('old'), sealed!])).map(valueOf)).toEqual(['old', 'new']);
  });
  test('`plain` in the first place writes plain and reads both', async () => {
    const sealed = await codecWith(written.a).encode([payload('old')]);
    const off = codecWith(`plain,${written.a}`);
    const plain = await off.encode([payload('new')]);
    expect(text(plain[0]!.metadata!['encoding'])).toBe('json/plain');
    expect((await off.decode([...sealed, ...plain])).map(valueOf)).toEqual(['old', 'new']);
  });
  test('without keys the very payloads are handed on', async () => {
    const codec = new EncryptingCodec(new Keyring(), 'default');
    const payloads = [payload('x')];
    expect(await codec.encode(payloads)).toBe(payloads);
    expect(await codec.decode(payloads)).toBe(payloads);
  });
  test('a key that is missing is named, with the setting and what to do', async () => {
    const sealed = await codecWith(written.a).encode([payload('Ada')]);
    await expect(codecWith(written.b).decode(sealed)).rejects.toThrow('A payload is encrypted with the key "2026-05", which this process does not have (it has 2026-11). Add that key to HEADGATE_ENCRYPTION_KEYS; nothing is lost, Temporal tries again until it is there.');
    await expect(new EncryptingCodec(new Keyring(), 'default').decode(sealed)).rejects.toThrow('the key "2026-05", which this process does not have (it has none)');
  });
});
