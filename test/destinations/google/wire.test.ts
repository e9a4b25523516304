/** Google on the wire: what a call looks like, and what is believed of an answer. Each test is a mistake that others made. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { google } from '../../../src/destinations/google/index.ts';
import type { Destination, Member, PushAnswer, PushOperation } from '../../../src/destinations/destination.ts';
import { PlatformFailure } from '../../../src/domain/failures.ts';
import { startRecorder, type Recorder } from '../../support/recorder.ts';

const TOKEN = { body: { access_token: 'first', token_type: 'Bearer', expires_in: 3_600 } };
let recorder: Recorder;
let destination: Destination;
beforeAll(async () => {
  recorder = await startRecorder();
});
afterAll(() => recorder.close());
/** Each with credentials of its own, which have given no token yet. */
function connect(more: object = {}): void {
  destination = google.connect(google.settings.parse({ operating_account: '123-456-7890', ...more }), { name: 'google_main', sandboxUrl: recorder.url });
}

const somebody = (value: string): Member => ({ today: [{ type: 'emailAddress', value }], former: [] });
const send = (operation: PushOperation, members: Member[]): Promise<PushAnswer> => destination.prepare(operation, '55', members).send(AbortSignal.timeout(5_000));
const refused = (field: string, reason = 'INVALID_FORMAT', status = 400): object => ({
  status,
  body: { error: { code: status, status: 'INVALID_ARGUMENT', message: 'no', details: [{ '@type': 'type.googleapis.com/google.rpc.BadRequest', fieldViolations: [{ field, reason, description: 'as it is' }] }] } },
});

test.each<[PushOperation, string]>([['add', '/v1/audienceMembers:ingest'], ['remove', '/v1/audienceMembers:remove']])('%s is %s, with no header of the Google Ads API; everybody is never removed', async (operation, path) => {
  connect({ login_account: '9876543210' });
  recorder.answers(TOKEN, { body: { requestId: 'r-1' } });
  await send(operation, [somebody('a')]);
  const [, call] = recorder.calls;
  expect(call).toMatchObject({ method: 'POST', path, headers: { authorization: 'Bearer first' } });
  expect(Object.keys(call?.headers ?? {}).filter((name) => /developer-token|login-customer-id|login-account/.test(name))).toEqual([]);
  expect((call?.body as { destinations: object[] }).destinations).toEqual([{ operatingAccount: { accountType: 'GOOGLE_ADS', accountId: '1234567890' }, loginAccount: { accountType: 'GOOGLE_ADS', accountId: '9876543210' }, productDestinationId: '55' }]);
});

test('a request id taken for a delivery: it is processing, and asked about', async () => {
  connect();
  recorder.answers(TOKEN, { body: { requestId: 'r-1', fieldWarnings: [] } });
  expect(await send('add', [somebody('a'), somebody('b')])).toEqual({ members: [{ status: 'processing' }, { status: 'processing' }], restMs: 0, later: { requestId: 'r-1', checkAfterMs: 1_800_000 } });
  recorder.answers({ body: { requestStatusPerDestination: [{ requestStatus: 'PROCESSING' }] } });
  const waits: number[] = [];
  for (const checks of [0, 1, 2, 3]) {
    const outcome = await destination.followUp!.ask('r 1/', checks, AbortSignal.timeout(5_000));
    waits.push(outcome.status === 'processing' ? Math.round(outcome.checkAfterMs / 60_000) : 0);
  }
  expect(waits).toEqual([39, 51, 60, 60]);
  expect(recorder.calls[0]?.path).toBe('/v1/requestStatus:retrieve?requestId=r%201%2F');
});

test('a 200 without a request id is not believed', async () => {
  connect();
  recorder.answers(TOKEN, { body: {} });
  await expect(send('add', [somebody('a')])).rejects.toMatchObject({ report: { kind: 'timed_out' } });
});

test('one record refuses the whole request: that member is rejected, the others are sent again, in their order', async () => {
  connect();
  recorder.answers(TOKEN, refused('audience_members.audience_members[2].user_data.user_identifiers'));
  const moved: Member = { today: [{ type: 'emailAddress', value: 'new' }], former: [{ type: 'emailAddress', value: 'old' }] };
  // The first person is two records, so the third record is the second person's.
  const call = destination.prepare('remove', '55', [moved, somebody('b'), { today: [], former: [] }, somebody('d')]);
  const answer = await call.send(AbortSignal.timeout(5_000));
  expect(call.carries).toEqual([0, 1, 3]);
  expect(answer.members).toEqual([{ status: 'unsent' }, { status: 'rejected', reason: 'INVALID_FORMAT: as it is' }, { status: 'unsent' }]);
});

test('a token that was revoked before its time is made anew once, then it is unauthorised', async () => {
  connect();
  const no = { status: 401, body: { error: { code: 401, status: 'UNAUTHENTICATED', message: 'no' } } };
  recorder.answers(TOKEN, no, { body: { ...TOKEN.body, access_token: 'second' } }, { body: { requestId: 'r-1' } });
  await send('add', [somebody('a')]);
  expect(recorder.calls.filter(({ path }) => path.includes('ingest')).map(({ headers }) => headers.authorization)).toEqual(['Bearer first', 'Bearer second']);
  recorder.answers(no, TOKEN, no);
  await expect(send('add', [somebody('a')])).rejects.toMatchObject({ report: { kind: 'unauthorised' } });
  expect(recorder.calls).toHaveLength(3);
});

test('409 given up at once: it is tried again', async () => {
  connect();
  recorder.answers(TOKEN, { status: 409, body: { error: { code: 409, status: 'ABORTED', message: 'concurrent' } } });
  await expect(send('add', [somebody('a')])).rejects.toMatchObject({ report: { kind: 'unavailable' } });
});

test('a request that Google no longer knows is sent again, not waited for', async () => {
  connect();
  recorder.answers(TOKEN, refused('request_id', 'INVALID_REQUEST_ID'));
  expect(await destination.followUp!.ask('r-1', 0, AbortSignal.timeout(5_000))).toMatchObject({ status: 'failed', report: { kind: 'unavailable' } });
  recorder.answers({ status: 403, body: { error: { code: 403, status: 'PERMISSION_DENIED', message: 'no' } } });
  await expect(destination.followUp!.ask('r-1', 0, AbortSignal.timeout(5_000))).rejects.toBeInstanceOf(PlatformFailure);
});
