/** What `headgate check` says of an audience that is not as it should be: each fault that a platform shows, in words that say what to do. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { catalog } from '../../src/destinations/catalog.ts';
import type { Finding } from '../../src/destinations/destination.ts';
import { startSandbox, type Sandbox } from '../../src/sandbox/index.ts';
import { CONFORMING } from '../conformance/platforms.ts';

const ID = '6000000000001';
const DAY_MS = 86_400_000;
const settingsOf = (platform: string): Record<string, unknown> => catalog.get(platform)?.settings.parse(CONFORMING[platform]?.settings) as Record<string, unknown>;

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox({ port: 0, destinations: [...catalog.keys()].map((platform) => ({ name: `${platform}_main`, platform, settings: settingsOf(platform), audienceIds: [ID] })) });
});
afterAll(() => sandbox.close());
beforeEach(() => { sandbox.store.reset(); });

async function check(platform: string, says: Record<string, unknown>, windowMs: number | null = 7 * DAY_MS): Promise<Finding[]> {
  const name = `${platform}_main`;
  sandbox.store.say(name, ID, says);
  const destination = catalog.get(platform)!.connect(settingsOf(platform), { name, sandboxUrl: `${sandbox.url}/${name}` });
  return destination.check([{ audienceKey: 'cart_v1', platformAudienceId: ID, windowMs }], AbortSignal.timeout(5_000));
}
const notFine = (found: Finding[]): string[] => found.filter(({ level }) => level !== 'ok').map(({ level, subject, message }) => `${level} ${subject}: ${message}`);

test.each<[string, string, Record<string, unknown>, RegExp]>([
  ['meta', 'flagged', { operation_status: { code: 471, description: 'Flagged.' } }, /^problem audience: .*flagged and takes no uploads: Flagged\. Resolve it in Meta Ads Manager/],
  ['meta', 'being replaced by another tool', { operation_status: { code: 414, description: 'Replace in progress' } }, /^warning audience: .*Replace in progress \(operation status 414\)/],
  ['meta', '0 invalid rows, and too small for ads', { delivery_status: { code: 300, description: 'Too small.' } }, /^warning audience: .*cannot be used in ads yet: Too small\. \(delivery status 300\)/],
  ['meta', 'of another kind', { subtype: 'LOOKALIKE' }, /^problem audience: .*of kind LOOKALIKE.*headgate target create --destination meta_main --audience cart_v1$/],
  ['meta', 'of another account', { account_id: '2' }, /^problem audience: .*belongs to act_2, not to act_1/],
  ['google', 'closed', { membershipStatus: 'CLOSED' }, /^problem audience: .*is closed\. Open it in Google Ads/],
  ['google', 'closed for not being used', { membershipStatus: 'CLOSED', closingReason: 'UNUSED' }, /^problem audience: .*closed, because it was not used/],
  ['google', 'read-only', { readOnly: true }, /^problem audience: .*read-only.*headgate target create/],
  ['google', 'disabled', { accountAccessStatus: 'DISABLED' }, /^problem audience: .*disabled.*Enable it/],
  ['google', 'for other data', { ingestedUserListInfo: { uploadKeyTypes: ['MOBILE_ID'] } }, /^problem audience: .*takes MOBILE_ID, not contact data \(CONTACT_ID\).*headgate target create/],
  ['google', 'shorter than the window', { membershipDuration: '86400s' }, /^problem duration: .*after 1d, before the window of 7d ends/],
  ['google', 'far longer than the window', { membershipDuration: '46656000s' }, /^warning duration: .*540 days, far longer/],
  ['tiktok', 'made from a file', { audience_type: 'Customer File Audience' }, /^problem audience: .*Customer File Audience.*headgate target create/],
  ['tiktok', 'still calculated', { is_valid: false, msg: 'Calculating' }, /^warning audience: .*still calculates.*Calculating/],
  ['tiktok', 'about to expire', { is_expiring: true }, /^warning audience: .*expires soon/],
  ['snap', 'shorter than the window', { retention_in_days: 3 }, /^problem duration: .*after 3d.*retention_in_days/],
  ['snap', 'of another source', { source_type: 'ENGAGEMENT' }, /^problem audience: .*of source ENGAGEMENT/],
  ['snap', 'not ready', { targetable_status: 'TOO_FEW_USERS' }, /^warning audience: .*TOO_FEW_USERS/],
])('%s, %s', async (platform, _name, says, words) => {
  expect(notFine(await check(platform, says))).toEqual([expect.stringMatching(words)]);
});

test.each<[string, number | null, RegExp]>([
  ['google', null, /^warning duration: .*has no window.*540 days/],
  ['tiktok', 400 * DAY_MS, /^warning duration: .*365 days/],
])('%s keeps nobody as long as an audience with a window of %s ms wants', async (platform, windowMs, words) => {
  expect(notFine(await check(platform, {}, windowMs))).toEqual([expect.stringMatching(words)]);
});

test('a manager account that does not reach the account is found out, although pushes would say nothing', async () => {
  const google = catalog.get('google')!;
  const settings = google.settings.parse({ ...CONFORMING['google']?.settings, login_account: '999-999-9999' });
  const destination = google.connect(settings, { name: 'google_main', sandboxUrl: `${sandbox.url}/google_main` });
  const found = await destination.check([{ audienceKey: 'cart_v1', platformAudienceId: ID, windowMs: null }], AbortSignal.timeout(5_000));
  expect(notFine(found)).toEqual([expect.stringMatching(/^problem account: .*account 1234567890 by manager 9999999999.*login_account/)]);
});
