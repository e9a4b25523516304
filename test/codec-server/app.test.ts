/** The codec server over HTTP: the protocol of Temporal's tools, who may ask, and what garbage gets. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import { defaultPayloadConverter } from '@temporalio/common';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { codecServerSettings, createCodecApp, type CodecAppOptions } from '../../src/codec-server/index.ts';
import { readEnvironment } from '../../src/config/environment.ts';
import { EncryptingCodec, Keyring, parseKeys, writeNewKey } from '../../src/encryption/index.ts';

const [A, B] = [writeNewKey('2026-05'), writeNewKey('2026-11')];
const UI = 'http://127.0.0.1:8233';
const keyring = new Keyring({ keys: parseKeys(`${A},${B}`).keys });
const log: string[] = [];
const logger = pino(new Writable({ write: (chunk: Buffer, _encoding, done) => { log.push(chunk.toString()); done(); } }));

async function serve(changed: Partial<CodecAppOptions> = {}): Promise<{ url: string; server: Server }> {
  const server = createServer(createCodecApp({ host: '127.0.0.1', port: 0, token: undefined, origins: new Set([UI]), namespace: 'default', keyring, logger, ...changed }));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`, server };
}

let open: { url: string; server: Server };
let guarded: { url: string; server: Server };
beforeAll(async () => {
  open = await serve();
  guarded = await serve({ token: 'a-token' });
});
afterAll(() => {
  for (const { server } of [open, guarded]) server.close();
});

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const plain = (value: unknown) => ({ metadata: { encoding: base64('json/plain') }, data: base64(JSON.stringify(value)) });
async function sealed(value: unknown, { namespace = 'default', keys = `${B},${A}` } = {}) {
  const [one] = await new EncryptingCodec(new Keyring({ keys: parseKeys(keys).keys }), namespace).encode([defaultPayloadConverter.toPayload(value)]);
  return { metadata: Object.fromEntries(Object.entries(one!.metadata!).map(([name, bytes]) => [name, Buffer.from(bytes).toString('base64')])), data: Buffer.from(one!.data!).toString('base64') };
}

interface Asked {
  status: number;
  body: Record<string, unknown>;
  headers: Headers;
}
async function ask(path: string, body: unknown, { headers = {}, at = open, method = 'POST' }: { headers?: Record<string, string>; at?: { url: string }; method?: string } = {}): Promise<Asked> {
  const response = await fetch(`${at.url}${path}`, { method, headers: { 'content-type': 'application/json', ...headers }, ...(method === 'POST' ? { body: typeof body === 'string' ? body : JSON.stringify(body) } : {}) });
  const text = await response.text();
  return { status: response.status, body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>), headers: response.headers };
}

describe('the protocol', () => {
  test('decodes what any of the keys encrypted, and hands plain payloads on', async () => {
    const payloads = [await sealed({ cart_value: 182.5 }), plain('plain'), await sealed('old', { keys: A })];
    const { status, body } = await ask('/decode?preserveStorageRefs=true', { payloads }, { headers: { 'x-namespace': 'default' } });
    expect({ status, body }).toEqual({ status: 200, body: { payloads: [plain({ cart_value: 182.5 }), plain('plain'), plain('old')] } });
  });
  test('encodes with the first key, for the CLI', async () => {
    const { body } = await ask('/encode', { payloads: [plain('a'), plain('b')] });
    expect((body['payloads'] as { metadata: Record<string, string> }[]).map(({ metadata }) => metadata)).toEqual(Array(2).fill({ encoding: base64('binary/encrypted'), 'encryption-key-id': base64('2026-05') }));
    expect((await ask('/decode', body)).body).toEqual({ payloads: [plain('a'), plain('b')] });
  });
  test('the namespace is the one that the request names, and a payload opens in its own only', async () => {
    const payloads = [await sealed('x', { namespace: 'shop.a1b2c' })];
    expect((await ask('/decode', { payloads }, { headers: { 'x-namespace': 'shop.a1b2c' } })).body).toEqual({ payloads: [plain('x')] });
    expect(await ask('/decode', { payloads })).toMatchObject({ status: 400, body: { problem: expect.stringContaining('another namespace than default') as string } });
  });
  test('an unknown key is named', async () => {
    const payloads = [await sealed('x', { keys: writeNewKey('2025-01') })];
    expect(await ask('/decode', { payloads })).toMatchObject({ status: 400, body: { problem: expect.stringContaining('the key "2025-01", which this process does not have (it has 2026-05, 2026-11)') as string } });
  });
});

describe('pages', () => {
  const preflight = (origin: string) => ask('/decode', '', { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type,x-namespace' } });
  test('of the UI may ask, with its headers and cookies', async () => {
    const { status, headers } = await preflight(UI);
    expect([status, headers.get('access-control-allow-origin'), headers.get('access-control-allow-credentials'), headers.get('vary')]).toEqual([204, UI, 'true', 'Origin']);
    expect(headers.get('access-control-allow-headers')?.toLowerCase()).toContain('x-namespace');
    expect((await ask('/decode', { payloads: [] }, { headers: { origin: UI } })).headers.get('access-control-allow-origin')).toBe(UI);
  });
  test.each(['https://evil.example', 'http://127.0.0.1:8234', 'null', `${UI}.evil.example`, 'HTTP://127.0.0.1:8233'])('of %s may not', async (origin) => {
    for (const answer of [await preflight(origin), await ask('/decode', { payloads: [await sealed('x')] }, { headers: { origin } })]) {
      expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([403, null]);
      expect(JSON.stringify(answer.body)).not.toContain('payloads');
    }
  });
  test('the preflight needs no token, which browsers do not send with it', async () => {
    expect((await ask('/decode', '', { method: 'OPTIONS', at: guarded, headers: { origin: UI } })).status).toBe(204);
  });
});

describe('who may ask', () => {
  test.each<[string, Record<string, string>, number]>([
    ['the token', { authorization: 'Bearer a-token' }, 200],
    ['no token', {}, 401],
    ['another token', { authorization: 'Bearer another' }, 401],
    ['a part of it', { authorization: 'Bearer a-toke' }, 401],
    ['another scheme', { authorization: `Basic ${base64('a:a-token')}` }, 401],
  ])('%s', async (_what, headers, status) => {
    expect((await ask('/decode', { payloads: [] }, { at: guarded, headers })).status).toBe(status);
  });
  test('without a token in the settings: this machine, and nobody who stands behind a proxy', async () => {
    expect((await ask('/decode', { payloads: [] }, { headers: { 'x-forwarded-for': '203.0.113.7' } })).status).toBe(401);
    const public_ = await serve({ host: '0.0.0.0' });
    expect(await ask('/decode', { payloads: [] }, { at: public_ })).toMatchObject({ status: 401, body: { problem: expect.stringContaining('set HEADGATE_CODEC_TOKEN') as string } });
    public_.server.close();
  });
  test('health needs none', async () => {
    expect((await ask('/healthz', '', { method: 'GET', at: guarded })).status).toBe(200);
  });
});

describe('garbage gets a 4xx', () => {
  test.each<[string, unknown]>([
    ['no JSON', '{"payloads":'],
    ['nothing', 'null'],
    ['a text', '"payloads"'],
    ['a list', []],
    ['payloads that are none', { payloads: 'x' }],
    ['a payload that is none', { payloads: [null] }],
    ['metadata that is none', { payloads: [{ metadata: [] }] }],
    ['metadata that is not text', { payloads: [{ metadata: { encoding: 1 } }] }],
    ['data that is no base64', { payloads: [{ data: 'ä' }] }],
    ['no ciphertext', { payloads: [{ metadata: { encoding: base64('binary/encrypted') } }] }],
    ['a ciphertext of one byte', { payloads: [{ metadata: { encoding: base64('binary/encrypted'), 'encryption-key-id': base64('2026-05') }, data: 'AA==' }] }],
    ['an id out of place', { payloads: [{ metadata: { encoding: base64('binary/encrypted'), 'encryption-key-id': base64('\u0000'.repeat(500)) }, data: 'AA==' }] }],
    ['a crowd', { payloads: Array(10_001).fill({}) }],
    ['invalid UTF-8', Buffer.from([0x7b, 0xff]).toString('latin1')],
  ])('%s', async (_what, body) => {
    const { status, body: said } = await ask('/decode', body);
    expect([status, typeof said['problem']]).toEqual([400, 'string']);
  });
  test('a body that is too large', async () => {
    expect(await ask('/decode', { payloads: [{ data: 'A'.repeat(17 * 1024 * 1024) }] })).toMatchObject({ status: 413, body: { problem: 'the body is too large (at most 16mb)' } });
  });
  test('names that mean something to JavaScript are names like others', async () => {
    const body = '{"payloads":[{"metadata":{"__proto__":"AA==","constructor":"AA=="},"data":"AA=="}]}';
    expect((await ask('/decode', body)).status).toBe(200);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
  test('another path, another method', async () => {
    expect((await ask('/download', {})).status).toBe(404);
    expect((await ask('/decode', '', { method: 'GET' })).status).toBe(404);
  });
});

test('the log says that somebody asked, and never what is in a payload', async () => {
  log.length = 0;
  await ask('/decode', { payloads: [await sealed('a-private-value')] }, { headers: { origin: UI } });
  await ask('/decode', { payloads: [await sealed('a-private-value', { namespace: 'x' })] });
  expect(log.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual(['Payloads were decoded.', 'A payload could not be decoded.']);
  expect(log.join('')).not.toMatch(/private|a-private-value/);
});

describe('settings', () => {
  const origins = (variables: Record<string, string>): string[] => [...codecServerSettings(readEnvironment(variables)).origins];
  test('the UI that is known, the embedded one, or those that are named', () => {
    expect(origins({ TEMPORAL_UI_PORT: '9' })).toEqual(['http://127.0.0.1:9', 'http://localhost:9']);
    expect(origins({ TEMPORAL_UI_URL: 'https://temporal.example.com/ui/', NODE_ENV: 'production' })).toEqual(['https://temporal.example.com']);
    expect(origins({ HEADGATE_CODEC_ORIGINS: 'https://cloud.temporal.io, https://b.example' })).toEqual(['https://cloud.temporal.io', 'https://b.example']);
  });
  test('a star, a path and nonsense are no origins', () => {
    expect(() => origins({ HEADGATE_CODEC_ORIGINS: '*,https://a.example/x,https://a.example/' })).toThrow(/"\*"[\s\S]*a\.example\/x[\s\S]*a\.example\/"/);
  });
});
