/** The section `actions:` of headgate.yaml: tools that `cio.forward` events go to. */
import { z } from 'zod';
import { kinds } from '../actions/catalog.ts';
import type { ConfiguredAction } from '../actions/configured-action.ts';
import { isPrivate } from '../actions/addresses.ts';
import { formatDuration, MODES, parseDuration } from '../domain/registry.ts';
import { readEntry } from './registry-entry.ts';
import { maskSettings } from './registry-mask.ts';
import type { Problems } from './registry-problems.ts';
import { resolveTestProfiles } from './test-profiles.ts';

/** 4xx statuses after which an event is sent again unless the entry says otherwise: no permission, and not now. Every 5xx is. */
const RETRIED = [401, 403, 407, 408, 425, 429];

const timeout = z.string('must be a duration such as 10s').transform((text, context) => {
  const ms = parseDuration(text);
  if (ms !== undefined && ms <= 60_000) return ms;
  context.addIssue({ code: 'custom', message: 'must be a duration such as 10s, at most 60s' });
  return z.NEVER;
});

/** The common part; the rest of an entry is checked by its kind. */
const actionCommon = z.object({
  kind: z.string('must say what it is: slack, http or segment'),
  mode: z.enum(MODES, 'must be live, test or paused').default('live'),
  test_profiles: z.array(z.string()).default([]).describe('Customer ids and e-mail addresses whose events mode: test sends; others are skipped.'),
  sandbox: z.boolean().default(false).describe('Talk to the local stand-in instead of the tool. Does not load in production.'),
  ordered: z.boolean().default(false).describe('Of one person, send an event only after those that were accepted before it.'),
  concurrency: z.number().int().min(1).max(32).default(4).describe('Calls at once.'),
  calls_per_minute: z.number().int().min(1).max(100_000).optional().describe('Most calls a minute, over all workers.'),
  timeout: z.string().default('10s').pipe(timeout).describe('How long one call may take.'),
  retry_statuses: z.array(z.number().int().min(400, 'must be 4xx: every 5xx is sent again anyway').max(499, 'must be 4xx: every 5xx is sent again anyway')).default(RETRIED).describe('4xx statuses after which an event is sent again; after others it is refused.'),
  allow_private: z.boolean().default(false).describe('Let it reach private addresses, and plain http.'),
});

export function resolveAction(name: string, given: Record<string, unknown>, sandboxAllowed: boolean, problems: Problems): ConfiguredAction | undefined {
  const path = ['actions', name];
  const read = readEntry(path, given, { common: actionCommon, kindKey: 'kind', noun: 'a kind of action', kinds }, sandboxAllowed, problems);
  if (!read) return undefined;
  const { kind, settings } = read;
  const { mode, test_profiles: profiles, sandbox, ordered, concurrency, calls_per_minute: callsPerMinute, timeout: timeoutMs, retry_statuses: retried, allow_private: allowPrivate } = read.common;
  if (mode === 'test' && profiles.length === 0) problems.add([...path, 'mode'], 'test sends only the events of test_profiles: list some');
  if (!allowPrivate && !sandbox) for (const key of ['url', 'webhook_url']) checkPublic([...path, key], given[key], problems);
  const testProfiles = resolveTestProfiles(profiles);
  return { entry: { name, kind: kind.kind, mode, testProfiles, ordered }, kind, settings, sandbox, allowPrivate, concurrency, callsPerMinute: callsPerMinute ?? kind.callsPerMinute, timeoutMs, retried: new Set(retried) };
}

/** What the address itself says; what its name leads to is looked at with each call. */
function checkPublic(path: string[], given: unknown, problems: Problems): void {
  const url = typeof given === 'string' ? URL.parse(given) : null;
  if (!url) return;
  if (url.protocol !== 'https:') problems.add(path, 'must begin with https:// (or allow_private: true, for a tool of your own)');
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const isAddress = /^[\d.]+$/.test(host) || host.includes(':');
  if (host === 'localhost' || host.endsWith('.localhost') || (isAddress && isPrivate(host))) problems.add(path, 'is a private address: allow it by allow_private: true if the tool is yours');
}

/** For people: what an entry says with its defaults, secrets masked. */
export function maskAction({ entry, kind, settings, sandbox, allowPrivate, concurrency, callsPerMinute, timeoutMs, retried }: ConfiguredAction): object {
  return {
    kind: kind.kind, mode: entry.mode, ordered: entry.ordered, ...(sandbox ? { sandbox } : {}), ...(allowPrivate ? { allow_private: true } : {}),
    concurrency, ...(callsPerMinute === undefined ? {} : { calls_per_minute: callsPerMinute }), timeout: formatDuration(timeoutMs), retry_statuses: [...retried], ...maskSettings(kind.settings, settings),
  };
}
