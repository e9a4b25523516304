/**
 * Whether requests can work: credentials, access, the list, its duration and its terms, the last by a request with `validateOnly`; and the size that Google tells.
 * https://developers.google.com/data-manager/api/reference/rest/v1/accountTypes.accounts.userLists (read 2026-11)
 */
import { z } from 'zod';
import { PlatformFailure } from '../../domain/failures.ts';
import type { AudienceSize } from '../../domain/audience-size.ts';
import { parseDuration } from '../../domain/registry.ts';
import { checkDuration, fine, inWords, look, problem, warning } from '../checking.ts';
import type { CheckedTarget, Finding, NewAudience } from '../destination.ts';
import { notUnderstood } from '../http-call.ts';
import { sha256 } from '../user-data.ts';
import { askGoogle, type GoogleClientOptions } from './client.ts';
import { requestOf } from './request.ts';
import type { GoogleSettings } from './settings.ts';

const userList = z.object({
  id: z.coerce.string().optional(),
  name: z.string().default(''),
  displayName: z.string().default(''),
  readOnly: z.boolean().default(false),
  membershipStatus: z.string().optional(),
  closingReason: z.string().optional(),
  accountAccessStatus: z.string().optional(),
  membershipDuration: z.string().optional(),
  sizeInfo: z.record(z.string(), z.coerce.number()).optional(),
  ingestedUserListInfo: z.object({ uploadKeyTypes: z.union([z.array(z.string()), z.string()]).optional() }).optional(),
});
type UserList = z.infer<typeof userList>;
const userLists = z.object({ userLists: z.array(userList).default([]) });

/** The longest that Google takes since 2025-04-07. */
const LONGEST_DURATION_MS = parseDuration('540d') ?? 0;
const DAY_MS = 86_400_000;
/** An address that belongs to nobody (RFC 2606), for `validateOnly`. */
const NOBODY = { emailAddress: sha256('headgate-check@example.com') };

const listsPath = ({ account_type: type, operating_account: account }: GoogleSettings): string => `accountTypes/${type}/accounts/${account}/userLists`;
const loginHeaders = ({ account_type: type, login_account: login }: GoogleSettings): Record<string, string> => (login === undefined ? {} : { 'login-account': `accountTypes/${type}/accounts/${login}` });

export async function checkGoogle(options: GoogleClientOptions, targets: readonly CheckedTarget[], signal: AbortSignal): Promise<Finding[]> {
  const credentials = await look('credentials', undefined, async () => {
    await options.credentials.token();
    return [fine('credentials', 'the credentials give an access token')];
  });
  if (credentials.some(({ level }) => level === 'problem')) return credentials;
  const findings = [...credentials, ...(await look('account', undefined, () => checkAccess(options, signal)))];
  if (options.settings.customer_match_terms === 'rejected') findings.push(problem('terms', 'customer_match_terms is rejected in headgate.yaml: Google takes no uploads then.'));
  const isWrong = (what: string): boolean => findings.some(({ subject, level }) => subject === what && level === 'problem');
  for (const target of targets) {
    // What is wrong with the account would be said of each list again.
    if (isWrong('account')) break;
    findings.push(...(await checkTarget(options, target, { trial: !isWrong('terms') }, signal)));
  }
  return findings;
}

/** A pair of account and manager that does not belong together would else be found by nothing but pushes that do nothing. */
async function checkAccess(options: GoogleClientOptions, signal: AbortSignal): Promise<Finding[]> {
  const { settings } = options;
  const account = `account ${settings.operating_account}${settings.login_account === undefined ? '' : ` by manager ${settings.login_account}`}`;
  await askGoogle(options, { method: 'GET', path: `${listsPath(settings)}?pageSize=1`, what: account, headers: loginHeaders(settings) }, signal);
  return [fine('account', `the credentials reach ${account}`)];
}

/** What is wrong with the account and not with this target is a finding without an audience. */
async function checkTarget(options: GoogleClientOptions, target: CheckedTarget, { trial }: { trial: boolean }, signal: AbortSignal): Promise<Finding[]> {
  const findings: Finding[] = [];
  try {
    findings.push(...(await checkList(options, target, signal)));
    // What is wrong with the list itself a trial would only say again, in other words.
    if (trial && !findings.some(({ subject, level }) => subject === 'audience' && level === 'problem')) findings.push(await tryUpload(options, target, signal));
  } catch (error) {
    if (!(error instanceof PlatformFailure)) throw error;
    const { kind } = error.report;
    if (kind === 'needs_person') findings.push(problem('terms', inWords(error)));
    else findings.push(kind === 'misconfigured' || kind === 'unauthorised' ? problem('audience', inWords(error), target.audienceKey) : problem('account', inWords(error)));
  }
  return findings;
}

async function checkList(options: GoogleClientOptions, target: CheckedTarget, signal: AbortSignal): Promise<Finding[]> {
  const { platformAudienceId: id, audienceKey } = target;
  const list = await readList(options, id, signal);
  const wrong = whatIsWrong(list, `Make one: headgate target create --destination ${options.destination} --audience ${audienceKey}`);
  const keeps = list.membershipDuration === undefined ? undefined : Number(list.membershipDuration.replace(/s$/, '')) * 1_000;
  const cure = target.windowMs === null ? "540 days are the longest; set the list's membership duration to them." : "Set the list's membership duration to the window: it is also the safety net for a removal that is lost.";
  return [
    ...(wrong.length > 0 ? wrong.map((what) => problem('audience', `user list ${id} (${list.displayName}) ${what}`, audienceKey)) : [fine('audience', `user list ${id} (${list.displayName}) is there and open`, audienceKey)]),
    keeps !== undefined && target.windowMs !== null && keeps > 2 * Math.max(target.windowMs, DAY_MS)
      ? warning('duration', `the list keeps members for ${String(Math.round(keeps / DAY_MS))} days, far longer than the window. ${cure}`, audienceKey)
      : checkDuration(target, keeps, cure),
  ];
}

async function readList(options: GoogleClientOptions, id: string, signal: AbortSignal): Promise<UserList> {
  const call = { method: 'GET' as const, path: `${listsPath(options.settings)}/${encodeURIComponent(id)}`, what: `user list ${id}`, headers: loginHeaders(options.settings) };
  const { json, reply } = await askGoogle(options, call, signal);
  const parsed = userList.safeParse(json);
  if (!parsed.success) throw notUnderstood(options.destination, reply);
  return parsed.data;
}

/** Google counts per network (display, search, YouTube, Gmail); the largest is nearest to how many it matched. */
export async function readGoogleSize(options: GoogleClientOptions, id: string, signal: AbortSignal): Promise<AudienceSize | undefined> {
  const { sizeInfo = {} } = await readList(options, id, signal);
  const counts = Object.values(sizeInfo).filter(Number.isFinite);
  if (counts.length === 0) return undefined;
  const most = Math.max(...counts);
  return { atLeast: most, atMost: most };
}

function whatIsWrong(list: UserList, make: string): string[] {
  const keys = [list.ingestedUserListInfo?.uploadKeyTypes ?? []].flat();
  return [
    ...(list.readOnly ? [`is read-only for this account; Headgate needs one that the account owns. ${make}`] : []),
    ...(list.membershipStatus === 'CLOSED' ? [`is closed${list.closingReason === 'UNUSED' ? ', because it was not used' : ''}. Open it in Google Ads (Tools > Audience manager).`] : []),
    ...(list.accountAccessStatus === 'DISABLED' ? ['is disabled for this account. Enable it in Google Ads.'] : []),
    ...(keys.length > 0 && !keys.includes('CONTACT_ID') ? [`takes ${keys.join(', ')}, not contact data (CONTACT_ID). ${make}`] : []),
  ];
}

/** Validates and changes nothing; finds missing access and terms that no reading shows. Throws PlatformFailure. */
async function tryUpload(options: GoogleClientOptions, { platformAudienceId, audienceKey }: CheckedTarget, signal: AbortSignal): Promise<Finding> {
  const member = { compositeData: { userData: { userIdentifiers: [NOBODY] } } };
  const body = { ...requestOf(options.settings, 'add', platformAudienceId, [member]), validateOnly: true };
  await askGoogle(options, { method: 'POST', path: 'audienceMembers:ingest', what: `a trial upload (validateOnly) to user list ${platformAudienceId}`, body }, signal);
  return fine('terms', 'a trial upload (validateOnly) is accepted', audienceKey);
}

/** Finds the list of this name, or makes one whose members stay as long as the window needs. */
export async function createGoogleList(options: GoogleClientOptions, { name, description, windowMs }: NewAudience, signal: AbortSignal): Promise<{ id: string; existed: boolean }> {
  const { settings, destination } = options;
  const headers = loginHeaders(settings);
  const filter = encodeURIComponent(`displayName = ${JSON.stringify(name)}`);
  const found = await askGoogle(options, { method: 'GET', path: `${listsPath(settings)}?filter=${filter}`, what: 'the user lists', headers }, signal);
  const lists = userLists.safeParse(found.json);
  if (!lists.success) throw notUnderstood(destination, found.reply);
  const known = lists.data.userLists.find((list) => list.displayName === name);
  if (known) return { id: idOf(known), existed: true };
  const days = windowMs === null ? LONGEST_DURATION_MS / DAY_MS : Math.min(LONGEST_DURATION_MS / DAY_MS, Math.ceil(windowMs / DAY_MS));
  const body = {
    displayName: name,
    description,
    membershipDuration: `${String(days * 86_400)}s`,
    ingestedUserListInfo: { uploadKeyTypes: ['CONTACT_ID'], contactIdInfo: { dataSourceType: 'DATA_SOURCE_TYPE_FIRST_PARTY' } },
  };
  const made = await askGoogle(options, { method: 'POST', path: listsPath(settings), what: `a new user list ${name}`, headers, body }, signal);
  const list = userList.safeParse(made.json);
  if (!list.success || idOf(list.data) === '') throw notUnderstood(destination, made.reply);
  return { id: idOf(list.data), existed: false };
}

const idOf = ({ id, name }: UserList): string => id ?? name.split('/').at(-1) ?? '';
