/** The Google sandbox over HTTP: as strict as the Data Manager API, asynchronous like it. Written against Google's field list, not against our client. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { sha256 } from '../../src/destinations/user-data.ts';
import { startSandbox, type Sandbox } from '../../src/sandbox/index.ts';
import { until } from '../support/until.ts';

const LIST = '5000000001';
const settings = { operating_account: '1234567890', login_account: '9876543210' };
let sandbox: Sandbox;
let token: string;
beforeAll(async () => {
  sandbox = await startSandbox({ port: 0, destinations: [{ name: 'google_main', platform: 'google', settings, audienceIds: [LIST] }] });
});
afterAll(() => sandbox.close());
beforeEach(async () => {
  sandbox.faults.set(undefined, null);
  sandbox.store.reset();
  sandbox.store.setLimits('google_main', { processingMs: 20 });
  const given = await fetch(`${sandbox.url}/google_main/token`, { method: 'POST', body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: 'sandbox' }) });
  token = ((await given.json()) as { access_token: string }).access_token;
});

interface Reply {
  status: number;
  body: { requestId?: string; error?: { status: string; details: { fieldViolations?: { field: string; reason: string }[] }[] }; requestStatusPerDestination?: { requestStatus: string; errorInfo?: object }[]; userLists?: object[] };
}
async function call(path: string, body?: object, headers: Record<string, string> = {}): Promise<Reply> {
  const response = await fetch(`${sandbox.url}/google_main/v1/${path}`, { method: body ? 'POST' : 'GET', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers }, ...(body ? { body: JSON.stringify(body) } : {}) });
  return { status: response.status, body: (await response.json()) as Reply['body'] };
}
const email = (name: string): object => ({ emailAddress: sha256(`${name}@example.com`) });
const member = (...userIdentifiers: object[]): object => ({ compositeData: { userData: { userIdentifiers } } });
const destinations = [{ operatingAccount: { accountType: 'GOOGLE_ADS', accountId: '1234567890' }, loginAccount: { accountType: 'GOOGLE_ADS', accountId: '9876543210' }, productDestinationId: LIST }];
const removal = { destinations, audienceMembers: [member(email('ada'))], encoding: 'HEX' };
const ingest = { ...removal, termsOfService: { customerMatchTermsOfServiceStatus: 'ACCEPTED' } };
const reasons = ({ body }: Reply): string[] => (body.error?.details ?? []).flatMap(({ fieldViolations = [] }) => fieldViolations.map(({ field, reason }) => `${field} ${reason}`));
const members = (): number | undefined => sandbox.store.sizeOf('google_main', LIST);

test('a request is taken in, and decided later', async () => {
  const { body } = await call('audienceMembers:ingest', ingest);
  const status = async (): Promise<string | undefined> => (await call(`requestStatus:retrieve?requestId=${String(body.requestId)}`)).body.requestStatusPerDestination?.[0]?.requestStatus;
  sandbox.store.setLimits('google_main', { processingMs: 60_000 });
  const waiting = await call('audienceMembers:ingest', ingest);
  expect((await call(`requestStatus:retrieve?requestId=${String(waiting.body.requestId)}`)).body.requestStatusPerDestination?.[0]?.requestStatus).toBe('PROCESSING');
  await until(status, (now) => now === 'SUCCESS');
  expect(members()).toBe(1);
});

const at = 'audience_members.audience_members[1]';
const identifiers = `${at}.composite_data.user_data.user_identifiers`;
const ADDRESS = { givenName: sha256('ada'), familyName: sha256('lovelace'), regionCode: 'GB', postalCode: 'SW1A 1AA' };
test.each<[string, object, string]>([
  ['an e-mail in the clear', member({ emailAddress: 'ada@example.com' }), `${identifiers}.emailAddress INVALID_HEX_ENCODING`],
  ['an MD5', member({ emailAddress: 'd41d8cd98f00b204e9800998ecf8427e' }), `${identifiers}.emailAddress INVALID_SHA256_FORMAT`],
  ['the hash of nothing', member({ phoneNumber: sha256('') }), `${identifiers}.phoneNumber INVALID_SHA256_FORMAT`],
  ['several identifiers in one object', member({ ...email('bob'), phoneNumber: sha256('1') }), `${identifiers} INVALID_ARGUMENT`],
  ['the address of another API', member({ addressInfo: ADDRESS }), `${identifiers} INVALID_ARGUMENT`],
  ['an address without a post code', member({ address: { ...ADDRESS, postalCode: '' } }), `${identifiers}.address.postalCode REQUIRED_FIELD_MISSING`],
  ['nobody', member(), `${identifiers} NO_IDENTIFIERS_PROVIDED`],
  ['eleven identifiers', member(...Array.from({ length: 11 }, (_, index) => email(String(index)))), `${identifiers} TOO_MANY_USER_IDENTIFIERS`],
  ['a consent of another API', { ...member(email('bob')), consent: { adUserData: 'GRANTED' } }, `${at}.consent INVALID_ENUM_VALUE`],
])('one member with %s refuses the whole request, and is named', async (_name, wrong, violation) => {
  const reply = await call('audienceMembers:ingest', { ...ingest, audienceMembers: [member(email('ada')), wrong] });
  expect(reply.status).toBe(400);
  expect(reasons(reply)).toEqual([violation]);
  expect(members()).toBe(0);
});

test.each<[string, string, object, string | number]>([
  ['without terms', 'audienceMembers:ingest', removal, 'TERMS_AND_CONDITIONS_NOT_SIGNED'],
  ['without encoding', 'audienceMembers:ingest', { ...ingest, encoding: undefined }, 'REQUIRED_FIELD_MISSING'],
  ['without members', 'audienceMembers:ingest', { ...ingest, audienceMembers: [] }, 'REQUIRED_FIELD_MISSING'],
  ['of 10,001 members', 'audienceMembers:ingest', { ...ingest, audienceMembers: Array.from({ length: 10_001 }, (_, index) => member(email(String(index)))) }, 'TOO_MANY_AUDIENCE_MEMBERS'],
  ['to remove, with terms', 'audienceMembers:remove', ingest, 'INVALID_ARGUMENT'],
  ['for a list that is not there', 'audienceMembers:ingest', { ...ingest, destinations: [{ ...destinations[0], productDestinationId: '9' }] }, 'INVALID_USER_LIST_ID'],
  ['for another account', 'audienceMembers:ingest', { ...ingest, destinations: [{ ...destinations[0], operatingAccount: { accountType: 'GOOGLE_ADS', accountId: '1' } }] }, 403],
  ['without its manager account', 'audienceMembers:ingest', { ...ingest, destinations: [{ ...destinations[0], loginAccount: undefined }] }, 403],
])('a request %s is refused', async (_name, path, body, expected) => {
  const reply = await call(path, body);
  if (typeof expected === 'number') expect(reply.status).toBe(expected);
  else expect(reasons(reply).join()).toContain(expected);
  expect(members()).toBe(0);
});

test.each([{ 'developer-token': 'x' }, { 'login-customer-id': '1' }])('a header of the Google Ads API is refused: %j', async (headers) => {
  expect((await call('audienceMembers:ingest', ingest, headers)).status).toBe(400);
});

test('validateOnly changes nothing, and its request cannot be asked about', async () => {
  const { body } = await call('audienceMembers:ingest', { ...ingest, validateOnly: true });
  expect(reasons(await call(`requestStatus:retrieve?requestId=${String(body.requestId)}`))).toEqual(['request_id INVALID_REQUEST_ID']);
  expect(members()).toBe(0);
});

test('a list that says of itself that it is closed, or for other data, takes nothing', async () => {
  sandbox.store.say('google_main', LIST, { membershipStatus: 'CLOSED' });
  expect(reasons(await call('audienceMembers:remove', removal))).toEqual(['destinations[0] USER_LIST_MUTATION_NOT_SUPPORTED']);
  sandbox.store.say('google_main', LIST, { ingestedUserListInfo: { uploadKeyTypes: ['MOBILE_ID'] } });
  expect(reasons(await call('audienceMembers:ingest', ingest))).toEqual(['destinations[0].product_destination_id INVALID_USER_LIST_TYPE']);
});

test('who has not granted consent is refused later, in numbers and not by name', async () => {
  sandbox.faults.set('google_main', { fault: 'consent_required', ms: 0 });
  const granted = { ...member(email('bob')), consent: { adUserData: 'CONSENT_GRANTED' } };
  const { body } = await call('audienceMembers:ingest', { ...ingest, audienceMembers: [member(email('ada')), granted] });
  const status = await until(() => call(`requestStatus:retrieve?requestId=${String(body.requestId)}`), (reply) => reply.body.requestStatusPerDestination?.[0]?.requestStatus !== 'PROCESSING');
  expect(status.body.requestStatusPerDestination?.[0]).toMatchObject({ requestStatus: 'PARTIAL_SUCCESS', errorInfo: { errorCounts: [{ recordCount: '1', reason: 'PROCESSING_ERROR_REASON_UNKNOWN_CONSENT' }] } });
  expect(members()).toBe(1);
});

describe('user lists', () => {
  const lists = 'accountTypes/GOOGLE_ADS/accounts/1234567890/userLists';
  const login = { 'login-account': 'accountTypes/GOOGLE_ADS/accounts/9876543210' };
  const wanted = { displayName: 'cart', membershipDuration: '604800s', ingestedUserListInfo: { uploadKeyTypes: ['CONTACT_ID'] } };
  test.each<[string, object, string]>([
    ['a name that is used', wanted, 'DISPLAY_NAME_ALREADY_USED'],
    ['half days', { ...wanted, displayName: 'x', membershipDuration: '43200s' }, 'INVALID_ARGUMENT'],
    ['541 days', { ...wanted, displayName: 'x', membershipDuration: '46742400s' }, 'MEMBERSHIP_DURATION_TOO_LONG'],
    ['no key', { ...wanted, displayName: 'x', ingestedUserListInfo: {} }, 'REQUIRED_FIELD_MISSING'],
  ])('%s is refused', async (_name, body, reason) => {
    expect((await call(lists, wanted, login)).status).toBe(200);
    expect(reasons(await call(lists, body, login)).join()).toContain(reason);
  });
  test('are found by their name, and only by the manager account', async () => {
    await call(lists, wanted, login);
    expect((await call(`${lists}?filter=${encodeURIComponent('displayName = "cart"')}`, undefined, login)).body.userLists).toHaveLength(1);
    expect((await call(lists)).status).toBe(403);
  });
});
