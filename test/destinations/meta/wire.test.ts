/** Meta on the wire: what a call looks like, and what is believed of an answer. Each test is a mistake that others made. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { meta } from '../../../src/destinations/meta/index.ts';
import type { Destination, Member, PushAnswer, PushOperation } from '../../../src/destinations/destination.ts';
import { sha256 } from '../../../src/destinations/user-data.ts';
import { PlatformFailure } from '../../../src/domain/failures.ts';
import { startRecorder, type Recorder } from '../../support/recorder.ts';

const TOKEN = 'a-token-for-tests';
let recorder: Recorder;
let destination: Destination;
beforeAll(async () => {
  recorder = await startRecorder();
  destination = meta.connect(meta.settings.parse({ access_token: TOKEN, ad_account: 'act_1' }), { name: 'meta_main', sandboxUrl: recorder.url });
});
afterAll(() => recorder.close());

const somebody = (name: string, more: [string, string][] = []): Member => ({ today: [...more.map(([type, value]) => ({ type, value })), { type: 'EMAIL', value: sha256(`${name}@example.com`) }], former: [] });
const received = (rows: number, more: object = {}): object => ({ audience_id: '1', session_id: '4229955495815004260', num_received: rows, num_invalid_entries: 0, invalid_entry_samples: {}, ...more });
const send = (operation: PushOperation, members: Member[]): Promise<PushAnswer> => destination.prepare(operation, '1', members).send(AbortSignal.timeout(5_000));
const failureOf = async (answer: Promise<unknown>): Promise<PlatformFailure> => {
  const error: unknown = await answer.catch((reason: unknown) => reason);
  if (error instanceof PlatformFailure) return error;
  throw new Error('no PlatformFailure', { cause: error });
};

test('a large removal fails because its payload is in the address: it is in the body, however large', async () => {
  recorder.answers({ body: received(10_000) });
  await send('remove', Array.from({ length: 10_000 }, (_, index) => somebody(String(index))));
  const [call] = recorder.calls;
  expect(call).toMatchObject({ method: 'DELETE', path: '/v26.0/1/users' });
  expect((call?.body as { payload: { data: unknown[] } }).payload.data).toHaveLength(10_000);
  expect(call?.bytes).toBeGreaterThan(600_000);
});

test('the token shows up in access logs: it is in a header and nowhere else', async () => {
  recorder.answers({ body: received(1) });
  await send('add', [somebody('ada')]);
  const [call] = recorder.calls;
  expect(call?.headers.authorization).toBe(`Bearer ${TOKEN}`);
  expect(JSON.stringify([call?.path, call?.body])).not.toContain(TOKEN);
});

test('a version that has ended is replaced in headgate.yaml, without a new Headgate', async () => {
  recorder.answers({ body: received(1) });
  const older = meta.connect(meta.settings.parse({ access_token: TOKEN, ad_account: 'act_1', api_version: 'v27.0' }), { name: 'meta_main', sandboxUrl: recorder.url });
  await older.prepare('add', '1', [somebody('ada')]).send(AbortSignal.timeout(5_000));
  expect(recorder.calls[0]?.path).toBe('/v27.0/1/users');
});

test('an upload session never leaves "uploading": none is opened, and none is waited for', async () => {
  recorder.answers({ body: received(1) });
  expect((await send('add', [somebody('ada')])).members).toEqual([{ status: 'accepted' }]);
  expect(Object.keys(recorder.calls[0]?.body as object)).toEqual(['payload']);
  expect(recorder.calls).toHaveLength(1);
});

test('array schema and single-key schema mixed on one audience: a single key is an array too', async () => {
  recorder.answers({ body: received(1) });
  await send('add', [somebody('ada')]);
  expect(recorder.calls[0]?.body).toEqual({ payload: { schema: ['EMAIL'], data: [[sha256('ada@example.com')]] } });
});

test('removed by EXTERN_ID of somebody added with other keys, and still there: the hashed contacts of today and before go with it', async () => {
  recorder.answers({ body: received(3) });
  const member: Member = { today: [{ type: 'EXTERN_ID', value: 'c_1' }, { type: 'EMAIL', value: 'new' }, { type: 'PHONE', value: 'p' }], former: [{ type: 'EMAIL', value: 'old' }, { type: 'PHONE', value: 'q' }] };
  await send('remove', [member]);
  expect(recorder.calls[0]?.body).toEqual({ payload: { schema: ['EXTERN_ID', 'EMAIL', 'PHONE'], data: [['c_1', 'new', 'p'], ['c_1', 'old', ''], ['c_1', '', 'q']] } });
});

test('"Data is missing or does not match schema" on a removal: each row is as wide as the schema, and null is never in it', async () => {
  recorder.answers({ body: received(4) });
  const plain: Member = { today: [{ type: 'FN', value: 'f' }, { type: 'EMAIL', value: 'e' }], former: [{ type: 'PHONE', value: 'p' }] };
  await send('remove', [plain, somebody('ada', [['PHONE', 'q'], ['ZIP', 'z']]), somebody('bob')]);
  const { schema, data } = (recorder.calls[0]?.body as { payload: { schema: string[]; data: unknown[][] } }).payload;
  expect(data.map((row) => row.length)).toEqual(data.map(() => schema.length));
  expect(data.flat().every((value) => typeof value === 'string')).toBe(true);
});

test('num_invalid_entries inside a 200 ignored: whom Meta names is rejected, in order, the others are accepted', async () => {
  const people = [somebody('a', [['PHONE', 'p']]), { today: [], former: [] }, somebody('bad'), somebody('c')];
  recorder.answers({ body: received(3, { num_invalid_entries: 1, invalid_entry_samples: { [JSON.stringify([sha256('bad@example.com'), ''])]: 'invalid e-mail' } }) });
  const call = destination.prepare('add', '1', people);
  const answer = await call.send(AbortSignal.timeout(5_000));
  expect(call.carries).toEqual([0, 2, 3]);
  expect(answer.members).toEqual([{ status: 'accepted' }, { status: 'rejected', reason: 'invalid e-mail' }, { status: 'accepted' }]);
});

test.each<[string, object, string]>([
  ['more rows invalid than named', received(2, { num_invalid_entries: 2, invalid_entry_samples: { [JSON.stringify([sha256('a@example.com')])]: 'no' } }), 'invalid_row'],
  ['samples as an empty list', received(2, { num_invalid_entries: 1, invalid_entry_samples: [] }), 'invalid_row'],
  ['fewer rows received than sent', received(1), 'timed_out'],
  ['no count at all', { audience_id: '1' }, 'timed_out'],
])('a 200 with %s delivers nobody', async (_name, body, kind) => {
  recorder.answers({ body });
  expect((await failureOf(send('add', [somebody('a'), somebody('b')]))).report.kind).toBe(kind);
});

test('a gateway\'s page instead of JSON is tried again', async () => {
  recorder.answers({ status: 503, body: '<html>busy</html>' });
  expect((await failureOf(send('add', [somebody('a')]))).report).toMatchObject({ kind: 'unavailable', cause: expect.stringContaining('<html>busy</html>') as string });
});

test.each<[string, string, object, number]>([
  ['the business use case', 'x-business-use-case-usage', { '1': [{ type: 'custom_audience', call_count: 100, total_cputime: 1, total_time: 1, estimated_time_to_regain_access: 19 }] }, 1_140_000],
  ['the ad account', 'x-ad-account-usage', { acc_id_util_pct: 100, reset_time_duration: 60, ads_api_access_tier: 'standard_access' }, 60_000],
  ['the app', 'x-app-usage', { call_count: 99, total_time: 1, total_cputime: 1 }, 60_000],
])('a call that went well and used up the quota of %s is accepted, and the account rests', async (_name, header, usage, restMs) => {
  recorder.answers({ body: received(1), headers: { [header]: JSON.stringify(usage) } });
  expect(await send('add', [somebody('ada')])).toEqual({ members: [{ status: 'accepted' }], restMs });
});

test('a throttled call waits as long as the headers of its refusal say', async () => {
  const error = { error: { message: 'too many calls', code: 80003, error_subcode: 2446079 } };
  recorder.answers({ status: 400, body: error, headers: { 'x-business-use-case-usage': JSON.stringify({ '1': [{ type: 'custom_audience', call_count: 101, total_cputime: 0, total_time: 0, estimated_time_to_regain_access: 7 }] }) } });
  expect((await failureOf(send('add', [somebody('ada')]))).report).toMatchObject({ kind: 'rate_limited', retryAfterMs: 420_000 });
});

test('an unknown error of a large call is answered by a smaller one, of a small call by the same', async () => {
  recorder.answers({ status: 500, body: { error: { message: 'An unknown error occurred', code: 1 } } });
  expect((await failureOf(send('add', Array.from({ length: 501 }, (_, index) => somebody(String(index)))))).report.kind).toBe('invalid_row');
  expect((await failureOf(send('add', [somebody('ada')]))).report.kind).toBe('unavailable');
});

test('"Internal Error" for days while the token had to be renewed: the failure says what Meta said and what to do', async () => {
  recorder.answers({ status: 400, body: { error: { message: 'Error validating access token', code: 190, error_subcode: 463, error_user_title: 'Session expired', error_user_msg: 'Log in again', fbtrace_id: 'AbC' } } });
  const { message, report } = await failureOf(send('add', [somebody('ada')]));
  expect(message).toBe('meta_main refused audience 1: Error validating access token · Session expired · Log in again (code 190/463, fbtrace_id AbC).');
  expect(report).toMatchObject({ kind: 'unauthorised', cure: expect.stringMatching(/new system user token.*access_token/) as string });
});
