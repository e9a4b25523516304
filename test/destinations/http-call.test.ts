/** One HTTP call: the ways in which it fails without an answer. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { callPlatform, retryAfterOf } from '../../src/destinations/http-call.ts';
import { PlatformFailure } from '../../src/domain/failures.ts';

async function failureOf(url: string, init: RequestInit = {}, ms = 5_000): Promise<PlatformFailure> {
  const error: unknown = await callPlatform('meta_main', url, { ...init, signal: AbortSignal.timeout(ms) }).catch((reason: unknown) => reason);
  if (error instanceof PlatformFailure) return error;
  throw new Error('no PlatformFailure', { cause: error });
}

test('a token with a line break in it is misconfigured, and quoted nowhere', async () => {
  const failure = await failureOf('http://127.0.0.1:1/', { headers: { authorization: 'Bearer a-secret\nof-two-lines' } });
  expect(failure.report).toMatchObject({ kind: 'misconfigured', cure: expect.stringContaining('tokens') as string });
  expect(inspect(failure, { depth: 10, showHidden: true })).not.toMatch(/a-secret|of-two-lines/);
});

test('nobody there is unavailable, because nothing was sent, and the words say where', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  await new Promise((resolve) => server.close(resolve));
  expect((await failureOf(`${url}/path?secret=x`)).report).toEqual({ kind: 'unavailable', cause: `no connection to ${url} (ECONNREFUSED)`, cure: '' });
});

test('an answer that is cut off in its middle is an unknown outcome', async () => {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('{"code":0');
    setTimeout(() => response.socket?.destroy(), 20);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    expect((await failureOf(`http://127.0.0.1:${String((server.address() as AddressInfo).port)}/`)).report.kind).toBe('timed_out');
  } finally {
    server.close();
  }
});

test.each<[string, number | undefined]>([['5', 5_000], ['0.5', 500], ['0', undefined], ['-3', undefined], ['soon', undefined]])('Retry-After %j is %s ms', (text, ms) => {
  expect(retryAfterOf(new Headers({ 'retry-after': text }))).toBe(ms);
});

test('Retry-After may be a date', () => {
  const ms = retryAfterOf(new Headers({ 'retry-after': new Date(Date.now() + 60_000).toUTCString() })) ?? 0;
  expect(ms).toBeGreaterThan(50_000);
  expect(ms).toBeLessThanOrEqual(60_000);
});
