/** Where an action may connect to, and what it makes of answers and of none; against a server of the test. */
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { isPrivate } from '../../src/actions/addresses.ts';
import { sendRequest } from '../../src/actions/send.ts';

describe('private addresses', () => {
  test.each([
    '127.0.0.1', '127.8.8.8', '0.0.0.0', '10.0.0.1', '10.255.255.255', '172.16.0.1', '172.31.255.255', '192.168.1.1', '169.254.169.254', '100.64.0.1', '100.100.100.200', '192.0.0.192', '198.18.0.1', '224.0.0.1', '255.255.255.255', '168.63.129.16',
    '::', '::1', 'fe80::1', 'fe80::1%eth0', 'fc00::1', 'fd00:ec2::254', 'ff02::1', '2001:db8::1', '2002:7f00:1::', '2001:0:4136:e378:8000:63bf:3fff:fdd2', '100::1',
    '::ffff:127.0.0.1', '::ffff:7f00:1', '0:0:0:0:0:ffff:a9fe:a9fe', '::ffff:10.0.0.1', '::127.0.0.1', '64:ff9b::7f00:1', '64:ff9b::10.1.2.3', '64:ff9b:1::1', '::ffff:0:127.0.0.1', '[::1]',
    'localhost', '', '2130706433', '0x7f.1',
  ])('%s', (address) => {
    expect(isPrivate(address)).toBe(true);
  });
  test.each(['8.8.8.8', '1.1.1.1', '172.15.255.255', '172.32.0.1', '100.63.255.255', '100.128.0.1', '169.253.1.1', '192.0.1.1', '2606:4700::1111', '2a00:1450:4001:80e::200e', '::ffff:8.8.8.8', '64:ff9b::808:808'])('%s is none', (address) => {
    expect(isPrivate(address)).toBe(false);
  });
});

let server: Server | undefined;
afterEach(() => {
  server?.close();
  server?.closeAllConnections();
});
async function listen(answer: RequestListener): Promise<number> {
  server = createServer(answer);
  const listening = server;
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  return (listening.address() as AddressInfo).port;
}
const send = (url: string, { allowPrivate = true, signal = AbortSignal.timeout(5_000), headers = {} }: { allowPrivate?: boolean; signal?: AbortSignal; headers?: Record<string, string> } = {}) =>
  sendRequest({ method: 'POST', url, headers, body: '{"é":1}' }, { name: 'mail', allowPrivate, signal });

describe('nowhere private unless it is allowed', () => {
  // URL reads the second as 127.0.0.1 already; a name that leads home is found when it is looked up.
  test.each(['127.0.0.1', '2130706433', 'localhost', '[::ffff:127.0.0.1]', '[::1]'])('%s', async (host) => {
    let came = 0;
    const port = await listen((_request, response) => { came++; response.end(); });
    await expect(send(`http://${host}:${String(port)}/`, { allowPrivate: false })).rejects.toMatchObject({ report: { kind: 'misconfigured', cause: expect.stringContaining('the address is private') as string, cure: expect.stringContaining('allow_private: true') as string } });
    expect(came).toBe(0);
  });
});

test('an answer comes with its status, headers and the beginning of its body, however long it is', async () => {
  const port = await listen((_request, response) => {
    response.setHeader('retry-after', '7');
    response.writeHead(429);
    for (let part = 0; part < 100; part++) response.write('x'.repeat(10_000));
    response.end();
  });
  const { status, headers, text } = await send(`http://localhost:${String(port)}/`);
  expect([status, headers.get('retry-after'), text.length]).toEqual([429, '7', 65_536]);
});

test('the body goes as it was signed, with its length in bytes', async () => {
  const seen = Promise.withResolvers<string>();
  const port = await listen((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk)).on('end', () => { seen.resolve(`${String(request.headers['content-length'])} ${body}`); response.end('ok'); });
  });
  await send(`http://127.0.0.1:${String(port)}/`);
  expect(await seen.promise).toBe('8 {"é":1}');
});

test('redirects are not followed', async () => {
  const port = await listen((_request, response) => { response.writeHead(302, { location: 'http://169.254.169.254/' }).end(); });
  expect((await send(`http://127.0.0.1:${String(port)}/`)).status).toBe(302);
});

describe('no answer', () => {
  test('nobody there: nothing arrived', async () => {
    const port = await listen(() => undefined);
    await new Promise((resolve) => server?.close(resolve));
    await expect(send(`http://127.0.0.1:${String(port)}/`)).rejects.toMatchObject({ report: { kind: 'unavailable', cause: expect.stringContaining('ECONNREFUSED') as string } });
  });
  test('a broken connection: unknown', async () => {
    const port = await listen((request) => request.socket.destroy());
    await expect(send(`http://127.0.0.1:${String(port)}/`)).rejects.toMatchObject({ report: { kind: 'timed_out' } });
  });
  test('one that only drips: unknown, in time', async () => {
    const port = await listen((_request, response) => { response.write('.'); });
    const ending = new AbortController();
    const sending = send(`http://127.0.0.1:${String(port)}/`, { signal: ending.signal });
    ending.abort();
    await expect(sending).rejects.toMatchObject({ report: { kind: 'timed_out', cause: 'no answer in time' } });
  });
  test('a header that cannot be sent is not quoted', async () => {
    const sending = send('http://127.0.0.1:9/', { headers: { authorization: 'a\nsecret' } });
    await expect(sending).rejects.toMatchObject({ report: { kind: 'misconfigured' } });
    await expect(sending).rejects.not.toThrow(/secret/);
  });
});
