/** TikTok on the wire: what a call looks like, and what is believed of an answer. Each test is a mistake that others made. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tiktok } from '../../../src/destinations/tiktok/index.ts';
import type { Destination, Member, PushAnswer } from '../../../src/destinations/destination.ts';
import { PlatformFailure, type FailureKind } from '../../../src/domain/failures.ts';
import { startRecorder, type Recorder } from '../../support/recorder.ts';

let recorder: Recorder;
let destination: Destination;
beforeAll(async () => {
  recorder = await startRecorder();
  destination = tiktok.connect(tiktok.settings.parse({ access_token: 'a-token-for-tests', advertiser_id: '7' }), { name: 'tiktok_main', sandboxUrl: recorder.url });
});
afterAll(() => recorder.close());

const somebody: Member = { today: [{ type: 'EMAIL_SHA256', value: 'e' }], former: [] };
const said = (code: number, message = 'OK', data: object = {}): object => ({ code, message, request_id: 'R1', data });
const send = (members = [somebody]): Promise<PushAnswer> => destination.prepare('add', '71', members).send(AbortSignal.timeout(5_000));
const kindOf = async (answer: Promise<unknown>): Promise<FailureKind | undefined> => {
  const error: unknown = await answer.catch((reason: unknown) => reason);
  return error instanceof PlatformFailure ? error.report.kind : undefined;
};

test('the path ends with a slash, and the token is in its own header', async () => {
  recorder.answers({ body: said(0) });
  expect(await send()).toEqual({ members: [{ status: 'accepted' }], restMs: 0 });
  expect(recorder.calls[0]).toMatchObject({ method: 'POST', path: '/v1.3/segment/mapping/', headers: { 'access-token': 'a-token-for-tests' } });
  expect(recorder.calls[0]?.headers.authorization).toBeUndefined();
});

test.each<[string, { status?: number; body: object | string }, FailureKind]>([
  ['throttled in a 200', { body: said(40_100, 'App reaches the QPS limit 10') }, 'rate_limited'],
  ['refused in a 200', { body: said(40_105, 'Access token is incorrect') }, 'unauthorised'],
  ['partly taken in a 200', { body: said(20_001, 'Partial success') }, 'invalid_row'],
  ['an empty object in a 200', { body: {} }, 'timed_out'],
  ['a page in a 200', { body: '<html></html>' }, 'timed_out'],
  ['a success under a 500', { status: 500, body: said(0) }, 'unavailable'],
  ['a 502 without a code', { status: 502, body: 'bad gateway' }, 'unavailable'],
])('every HTTP 200 counted as delivered: %s is not', async (_name, answer, kind) => {
  recorder.answers(answer);
  expect(await kindOf(send())).toBe(kind);
});

test('the very same call, seen by TikTok a moment ago, was taken', async () => {
  recorder.answers({ body: said(40_050, 'Duplicate request') });
  expect((await send()).members).toEqual([{ status: 'accepted' }]);
});

test('a file audience of the same name is not taken for the streaming one; the one that is found is on the second page', async () => {
  const page = (...list: object[]): object => said(0, 'OK', { list });
  const others = Array.from({ length: 99 }, (_, index) => ({ audience_id: String(index), name: `other ${String(index)}`, audience_type: 'Partner Audience' }));
  recorder.answers({ body: page({ audience_id: '100', name: 'Headgate', audience_type: 'Customer File Audience' }, ...others) }, { body: page({ audience_id: '200', name: 'Headgate', audience_type: 'Partner Audience' }) });
  expect(await destination.createAudience({ name: 'Headgate', description: '', windowMs: null }, AbortSignal.timeout(5_000))).toEqual({ id: '200', existed: true });
  expect(recorder.calls.map(({ path }) => new URL(path, recorder.url).searchParams.get('page'))).toEqual(['1', '2']);
});
