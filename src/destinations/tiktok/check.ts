/**
 * Whether pushes can work: token, and each audience with its kind.
 * https://business-api.tiktok.com/portal/docs, dmp/custom_audience/get and /list (read 2026-11)
 */
import { z } from 'zod';
import type { AudienceSize } from '../../domain/audience-size.ts';
import { parseDuration } from '../../domain/registry.ts';
import { checkDuration, fine, gone, look, problem, warning } from '../checking.ts';
import type { CheckedTarget, Finding, NewAudience } from '../destination.ts';
import { notUnderstood } from '../http-call.ts';
import { callTiktok, type TiktokClientOptions } from './client.ts';
import { OK } from './errors.ts';

const details = z.object({
  audience_id: z.coerce.string().optional(),
  name: z.string().default(''),
  audience_type: z.string().optional(),
  is_valid: z.boolean().optional(),
  is_expiring: z.boolean().optional(),
  cover_num: z.number().optional(),
  msg: z.string().optional(),
  error_msg: z.string().optional(),
});
/** The reference wraps each audience's details; lists give them plain. */
const entry = z.union([z.object({ audience_details: details }).transform((one) => one.audience_details), details]);
const list = z.object({ list: z.array(entry).default([]) });
type Details = z.infer<typeof details>;

/** An audience of the Streaming API, as Ads Manager names it. */
const STREAMING = /partner/i;
/** TikTok drops an audience that nobody used or changed for so long. */
const KEPT_UNUSED_MS = parseDuration('365d') ?? 0;
const PAGE_SIZE = 100;
/** Longer names are cut by TikTok. */
const LONGEST_NAME = 70;

export async function checkTiktok(options: TiktokClientOptions, targets: readonly CheckedTarget[], signal: AbortSignal): Promise<Finding[]> {
  const findings = await look('credentials', undefined, async () => {
    await readPage(options, 1, signal);
    return [fine('credentials', `the token reads advertiser ${options.settings.advertiser_id}; whether it may also change audiences (scope 31, allow-list) no call of TikTok tells before the first push`)];
  });
  if (findings.some(({ level }) => level === 'problem')) return findings;
  for (const target of targets) findings.push(...(await look('audience', target.audienceKey, () => checkAudience(options, target, signal))));
  return findings;
}

async function checkAudience(options: TiktokClientOptions, target: CheckedTarget, signal: AbortSignal): Promise<Finding[]> {
  const { platformAudienceId: id, audienceKey } = target;
  const found = await readDetails(options, id, signal);
  const make = `headgate target create --destination ${options.destination} --audience ${audienceKey}`;
  if (!found) return [problem('audience', `there is no audience ${id} at advertiser ${options.settings.advertiser_id}. Make one: ${make}`, audienceKey)];
  const findings: Finding[] = [];
  if (found.audience_type !== undefined && !STREAMING.test(found.audience_type)) {
    findings.push(problem('audience', `audience ${id} (${found.name}) is a ${found.audience_type}; only an audience made by the API (Partner Audience) can be kept up to date. Make one: ${make}`, audienceKey));
  }
  const said = found.error_msg ?? found.msg ?? '';
  if (found.is_valid === false) findings.push(warning('audience', `audience ${id} (${found.name}) cannot be used in ads yet: TikTok still calculates it, or it has expired.${said === '' ? '' : ` ${said}`}`, audienceKey));
  if (found.is_expiring === true) findings.push(warning('audience', `audience ${id} (${found.name}) expires soon, because no ad group uses it.`, audienceKey));
  if (findings.length === 0) findings.push(fine('audience', `audience ${id} (${found.name}) is there and ready`, audienceKey));
  const window = target.windowMs ?? 0;
  const duration = window > KEPT_UNUSED_MS ? warning('duration', 'TikTok drops an audience that is neither used nor changed for 365 days, which is less than the window.', audienceKey) : checkDuration(target, undefined, '');
  return [...findings, duration];
}

async function readDetails(options: TiktokClientOptions, id: string, signal: AbortSignal): Promise<Details | undefined> {
  const query = { advertiser_id: options.settings.advertiser_id, custom_audience_ids: JSON.stringify([id]) };
  const { answer, reply } = await callTiktok(options, { method: 'GET', path: 'dmp/custom_audience/get/', what: `audience ${id}`, query }, [OK], signal);
  const parsed = list.safeParse(answer.data);
  if (!parsed.success) throw notUnderstood(options.destination, reply);
  return parsed.data.list[0];
}

/** The users whom TikTok matched; none while it calculates. */
export async function readTiktokSize(options: TiktokClientOptions, id: string, signal: AbortSignal): Promise<AudienceSize | undefined> {
  const found = await readDetails(options, id, signal);
  if (!found) throw gone(options.destination, `audience ${id}`);
  return found.cover_num === undefined || found.is_valid === false ? undefined : { atLeast: found.cover_num, atMost: found.cover_num };
}

async function readPage(options: TiktokClientOptions, page: number, signal: AbortSignal): Promise<Details[]> {
  const query = { advertiser_id: options.settings.advertiser_id, page: String(page), page_size: String(PAGE_SIZE) };
  const { answer, reply } = await callTiktok(options, { method: 'GET', path: 'dmp/custom_audience/list/', what: 'the list of audiences', query }, [OK], signal);
  const parsed = list.safeParse(answer.data);
  if (!parsed.success) throw notUnderstood(options.destination, reply);
  return parsed.data.list;
}

const created = z.object({ audience_id: z.coerce.string().min(1) });

/** Looks for the name first, because TikTok makes a second audience of the same name without a word. */
export async function createTiktokAudience(options: TiktokClientOptions, { name }: NewAudience, signal: AbortSignal): Promise<{ id: string; existed: boolean }> {
  const short = name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME - 3)}...` : name;
  for (let page = 1; ; page++) {
    const found = await readPage(options, page, signal);
    const known = found.find((one) => one.name === short && STREAMING.test(one.audience_type ?? ''))?.audience_id;
    if (known !== undefined) return { id: known, existed: true };
    if (found.length < PAGE_SIZE) break;
  }
  const body = { advertiser_id: options.settings.advertiser_id, action: 'create', custom_audience_name: short };
  const { answer, reply } = await callTiktok(options, { method: 'POST', path: 'segment/audience/', what: `a new audience ${short}`, body }, [OK], signal);
  const parsed = created.safeParse(answer.data);
  if (!parsed.success) throw notUnderstood(options.destination, reply);
  return { id: parsed.data.audience_id, existed: false };
}
