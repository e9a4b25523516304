/** Whether pushes can work: token, ad account, segments. https://developers.snap.com/api/marketing-api/Ads-API/customer-lists (read 2026-11) */
import { z } from 'zod';
import type { AudienceSize } from '../../domain/audience-size.ts';
import { checkDuration, fine, gone, look, problem, warning } from '../checking.ts';
import type { CheckedTarget, Finding, NewAudience } from '../destination.ts';
import { notUnderstood } from '../http-call.ts';
import type { SnapClient } from './client.ts';

const segment = z.object({
  id: z.string(),
  name: z.string().default(''),
  ad_account_id: z.string().optional(),
  source_type: z.string().optional(),
  retention_in_days: z.number().optional(),
  targetable_status: z.string().optional(),
  approximate_number_users: z.number().optional(),
});
const segments = z.object({ segments: z.array(z.object({ segment })).default([]) });
type Segment = z.infer<typeof segment>;

const DAY_MS = 86_400_000;
/** Stands for "for ever". */
const FOR_EVER_DAYS = 9_999;

export async function checkSnap(client: SnapClient, targets: readonly CheckedTarget[], signal: AbortSignal): Promise<Finding[]> {
  const findings = await look('credentials', undefined, async () => {
    await readSegments(client, signal);
    return [fine('credentials', `the refresh token gives access to ad account ${client.settings.ad_account}`)];
  });
  if (findings.some(({ level }) => level === 'problem')) return findings;
  for (const target of targets) findings.push(...(await look('audience', target.audienceKey, () => checkSegment(client, target, signal))));
  return findings;
}

async function checkSegment(client: SnapClient, target: CheckedTarget, signal: AbortSignal): Promise<Finding[]> {
  const { platformAudienceId: id, audienceKey } = target;
  const found = await readSegment(client, id, signal);
  if (!found) return [problem('audience', `there is no segment ${id}. Make one: headgate target create --destination ${client.destination} --audience ${audienceKey}`, audienceKey)];
  const findings: Finding[] = [];
  if (found.source_type !== undefined && found.source_type !== 'FIRST_PARTY') findings.push(problem('audience', `segment ${id} (${found.name}) is of source ${found.source_type}; Headgate needs a customer list (FIRST_PARTY)`, audienceKey));
  if (found.targetable_status !== undefined && found.targetable_status !== 'READY') findings.push(warning('audience', `segment ${id} (${found.name}) cannot be used in ads yet: ${found.targetable_status}`, audienceKey));
  if (findings.length === 0) findings.push(fine('audience', `segment ${id} (${found.name}) is there and ready`, audienceKey));
  const days = found.retention_in_days;
  const keeps = days === undefined || days >= FOR_EVER_DAYS ? undefined : days * DAY_MS;
  return [...findings, checkDuration(target, keeps, "Set the segment's retention_in_days to the window at least.")];
}

async function readSegment(client: SnapClient, id: string, signal: AbortSignal): Promise<Segment | undefined> {
  const { json, reply } = await client.call('GET', `segments/${encodeURIComponent(id)}`, `segment ${id}`, signal);
  return segmentsOf(client, json, reply)[0];
}

/** Those whom Snap matched, approximately. */
export async function readSnapSize(client: SnapClient, id: string, signal: AbortSignal): Promise<AudienceSize | undefined> {
  const found = await readSegment(client, id, signal);
  if (!found) throw gone(client.destination, `segment ${id}`);
  const users = found.approximate_number_users;
  return users === undefined || users < 0 ? undefined : { atLeast: users, atMost: users };
}

async function readSegments(client: SnapClient, signal: AbortSignal): Promise<Segment[]> {
  const account = client.settings.ad_account;
  const { json, reply } = await client.call('GET', `adaccounts/${encodeURIComponent(account)}/segments`, `ad account ${account}`, signal);
  return segmentsOf(client, json, reply);
}

function segmentsOf(client: SnapClient, json: unknown, reply: Parameters<typeof notUnderstood>[1]): Segment[] {
  const parsed = segments.safeParse(json);
  if (!parsed.success) throw notUnderstood(client.destination, reply);
  return parsed.data.segments.map((one) => one.segment);
}

/** Finds the segment of this name, or makes one. */
export async function createSnapSegment(client: SnapClient, { name, description, windowMs }: NewAudience, signal: AbortSignal): Promise<{ id: string; existed: boolean }> {
  const known = (await readSegments(client, signal)).find((one) => one.name === name);
  if (known) return { id: known.id, existed: true };
  const account = client.settings.ad_account;
  const days = windowMs === null ? FOR_EVER_DAYS : Math.ceil(windowMs / DAY_MS);
  const body = { segments: [{ name, description, source_type: 'FIRST_PARTY', retention_in_days: days, ad_account_id: account }] };
  const { json, reply } = await client.call('POST', `adaccounts/${encodeURIComponent(account)}/segments`, `a new segment ${name}`, signal, body);
  const made = segmentsOf(client, json, reply)[0];
  if (!made) throw notUnderstood(client.destination, reply);
  return { id: made.id, existed: false };
}
