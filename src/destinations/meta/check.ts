/**
 * Whether pushes can work: token, permissions, ad account with its terms, and each audience; and what Meta tells of its size.
 * https://developers.facebook.com/documentation/ads-commerce/marketing-api/reference/custom-audience (read 2026-11)
 */
import { z } from 'zod';
import { checkDuration, fine, look, problem, warning } from '../checking.ts';
import type { AudienceSize } from '../../domain/audience-size.ts';
import type { CheckedTarget, Finding, NewAudience } from '../destination.ts';
import { notUnderstood } from '../http-call.ts';
import { callMeta, type MetaClientOptions } from './client.ts';

const permissions = z.object({ data: z.array(z.object({ permission: z.string(), status: z.string() })) });
const account = z.object({ name: z.string().optional(), account_status: z.number().optional(), tos_accepted: z.record(z.string(), z.unknown()).optional() });
const status = z.object({ code: z.number(), description: z.string().default('') }).optional();
const audience = z.object({
  name: z.string().default(''),
  subtype: z.string().optional(),
  account_id: z.string().optional(),
  operation_status: status,
  delivery_status: status,
});
const AUDIENCE_FIELDS = 'name,subtype,account_id,operation_status,delivery_status';

/** Ad accounts with another status cannot run ads; uploads may work all the same. */
const ACTIVE = 1;
/** https://developers.facebook.com/documentation/ads-commerce/marketing-api/reference/custom-audience: operation_status */
const FLAGGED = 471;
const BUSY = new Set([414, 441]);
/** After so long Meta forgets which person an EXTERN_ID was; hashed contacts still find them. */
const EXTERN_ID_KEPT_MS = 90 * 86_400_000;

export async function checkMeta(options: MetaClientOptions, targets: readonly CheckedTarget[], signal: AbortSignal): Promise<Finding[]> {
  const findings = [...(await look('credentials', undefined, () => checkToken(options, signal)))];
  if (findings.some(({ level }) => level === 'problem')) return findings;
  findings.push(...(await look('account', undefined, () => checkAccount(options, signal))));
  for (const target of targets) findings.push(...(await look('audience', target.audienceKey, () => checkAudience(options, target, signal))));
  return findings;
}

async function read<T>(options: MetaClientOptions, path: string, what: string, schema: z.ZodType<T>, signal: AbortSignal): Promise<T> {
  const { json, reply } = await callMeta(options, 'GET', path, what, signal);
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw notUnderstood(options.destination, reply);
  return parsed.data;
}

async function checkToken(options: MetaClientOptions, signal: AbortSignal): Promise<Finding[]> {
  const { data } = await read(options, 'me/permissions', 'the token', permissions, signal);
  const granted = new Set(data.filter((one) => one.status === 'granted').map((one) => one.permission));
  if (granted.has('ads_management')) return [fine('credentials', 'the token is valid and has ads_management')];
  return [problem('credentials', 'the token lacks the permission ads_management. Make a new system user token with it in Meta Business settings.')];
}

async function checkAccount(options: MetaClientOptions, signal: AbortSignal): Promise<Finding[]> {
  const id = options.settings.ad_account;
  const found = await read(options, `${id}?fields=name,account_status,tos_accepted`, `ad account ${id}`, account, signal);
  const active = found.account_status === undefined || found.account_status === ACTIVE;
  const terms = Object.entries(found.tos_accepted ?? {}).some(([name, accepted]) => name.includes('custom_audience_tos') && Boolean(accepted));
  return [
    active ? fine('account', `${id}${found.name === undefined ? '' : ` (${found.name})`} is there`) : warning('account', `${id} has status ${String(found.account_status)}: it cannot run ads. Look at it in Meta Business settings.`),
    terms ? fine('terms', 'the Custom Audience terms are accepted') : problem('terms', `the Custom Audience terms of ${id} are not accepted. Accept them in Meta Ads Manager > Audiences, by the business that owns the account.`),
  ];
}

async function checkAudience(options: MetaClientOptions, target: CheckedTarget, signal: AbortSignal): Promise<Finding[]> {
  const { platformAudienceId: id, audienceKey } = target;
  const found = await read(options, `${encodeURIComponent(id)}?fields=${AUDIENCE_FIELDS}`, `audience ${id}`, audience, signal);
  const findings: Finding[] = [];
  if (found.account_id !== undefined && `act_${found.account_id}` !== options.settings.ad_account) {
    findings.push(problem('audience', `audience ${id} belongs to act_${found.account_id}, not to ${options.settings.ad_account}. Correct headgate.yaml.`, audienceKey));
  }
  if (found.subtype !== undefined && found.subtype !== 'CUSTOM') {
    findings.push(problem('audience', `audience ${id} (${found.name}) is of kind ${found.subtype}; Headgate needs a customer list (CUSTOM). Make one: headgate target create --destination ${options.destination} --audience ${audienceKey}`, audienceKey));
  }
  const operation = found.operation_status;
  if (operation?.code === FLAGGED) findings.push(problem('audience', `audience ${id} (${found.name}) is flagged and takes no uploads: ${operation.description} Resolve it in Meta Ads Manager > Audiences.`, audienceKey));
  else if (operation && (BUSY.has(operation.code) || operation.code >= 400)) findings.push(warning('audience', `audience ${id} (${found.name}): ${operation.description} (operation status ${String(operation.code)})`, audienceKey));
  const delivery = found.delivery_status;
  if (delivery && delivery.code !== 200) findings.push(warning('audience', `audience ${id} (${found.name}) cannot be used in ads yet: ${delivery.description} (delivery status ${String(delivery.code)})`, audienceKey));
  if (findings.length === 0) findings.push(fine('audience', `audience ${id} (${found.name}) is there and ready`, audienceKey));
  const forgets = (target.windowMs ?? Infinity) > EXTERN_ID_KEPT_MS;
  findings.push(forgets ? fine('duration', 'members stay until Headgate removes them by e-mail or phone; whom Meta knows by customer_id alone it forgets after 90 days', audienceKey) : checkDuration(target, undefined, ''));
  return findings;
}

const bounds = z.object({ approximate_count_lower_bound: z.number().default(-1), approximate_count_upper_bound: z.number().default(-1) });

/** Rounded bounds of the people whom Meta found; -1 while it calculates, and of an audience that is too small. */
export async function readMetaSize(options: MetaClientOptions, id: string, signal: AbortSignal): Promise<AudienceSize | undefined> {
  const { approximate_count_lower_bound: atLeast, approximate_count_upper_bound: atMost } = await read(options, `${encodeURIComponent(id)}?fields=${Object.keys(bounds.shape).join(',')}`, `audience ${id}`, bounds, signal);
  return atMost < 0 ? undefined : { atLeast: Math.max(0, atLeast), atMost };
}

const list = z.object({ data: z.array(z.object({ id: z.string(), name: z.string().default('') })) });
const created = z.object({ id: z.string() });

/** Finds a customer list of this name, or makes one. */
export async function createMetaAudience(options: MetaClientOptions, { name, description }: NewAudience, signal: AbortSignal): Promise<{ id: string; existed: boolean }> {
  const path = `${options.settings.ad_account}/customaudiences`;
  const filtering = encodeURIComponent(JSON.stringify([{ field: 'name', operator: 'EQUAL', value: name }]));
  const { data } = await read(options, `${path}?fields=id,name&limit=500&filtering=${filtering}`, 'the list of audiences', list, signal);
  const known = data.find((one) => one.name === name);
  if (known) return { id: known.id, existed: true };
  const body = { name, description, subtype: 'CUSTOM', customer_file_source: 'USER_PROVIDED_ONLY' };
  const { json, reply } = await callMeta(options, 'POST', path, `a new audience ${name}`, signal, body);
  const parsed = created.safeParse(json);
  if (!parsed.success) throw notUnderstood(options.destination, reply);
  return { id: parsed.data.id, existed: false };
}
