/** `owners:` and `alerts:` of the registry: who is told of what, how, and from what value on. */
import { DEFAULT_THRESHOLDS, RULES, type RuleName, type Threshold, type Thresholds } from '../domain/alert-rules.ts';
import type { ChannelSettings, ContactSettings } from '../alerting/index.ts';
import type { Audience } from '../domain/registry.ts';
import { alertsSchema, contactSchema, type AlertsEntry, type ContactEntry } from './alerting-schema.ts';
import type { Problems } from './registry-problems.ts';

export interface Alerting extends ChannelSettings {
  /** By name; every owner of an audience has one. */
  contacts: ReadonlyMap<string, ContactSettings>;
  /** Who hears of what belongs to no audience. */
  operators: readonly string[];
  thresholds: Thresholds;
}

type Section = Record<string, unknown>;

/** What the two sections say, checked; mistakes go to `problems`. */
export function readAlerting(owners: Section, alerts: Section, problems: Problems): { contacts: ReadonlyMap<string, ContactEntry>; alerts: AlertsEntry | undefined } {
  const contacts = new Map<string, ContactEntry>();
  for (const [name, given] of Object.entries(owners)) {
    const parsed = contactSchema.safeParse(given ?? {});
    if (parsed.success) contacts.set(name, parsed.data);
    else problems.addIssues(parsed.error.issues, ['owners', name]);
    const next = (given as Section | null)?.['escalate_to'];
    if (typeof next === 'string' && !Object.hasOwn(owners, next)) problems.add(['owners', name, 'escalate_to'], `there is no ${next} in owners`);
    if (next === name) problems.add(['owners', name, 'escalate_to'], 'an owner cannot be the next one after themselves');
  }
  const parsed = alertsSchema.safeParse(alerts);
  if (!parsed.success) problems.addIssues(parsed.error.issues, ['alerts']);
  else {
    if (parsed.data.owner !== undefined && !Object.hasOwn(owners, parsed.data.owner)) problems.add(['alerts', 'owner'], `there is no ${parsed.data.owner} in owners`);
    const { slack, smtp } = parsed.data;
    for (const [name, contact] of contacts) {
      if (contact.slack && !slack) problems.add(['owners', name, 'slack'], 'needs alerts.slack with a bot_token or a webhook_url (or give the owner a slack_webhook)');
      if (contact.email && !smtp) problems.add(['owners', name, 'email'], 'needs alerts.smtp with url and from');
    }
  }
  return { contacts, alerts: parsed.success ? parsed.data : undefined };
}

/** Puts owners of audiences and of `owners:` together. */
export function resolveAlerting(contacts: ReadonlyMap<string, ContactEntry>, alerts: AlertsEntry | undefined, audiences: Iterable<Audience>): Alerting {
  const { slack, smtp } = alerts ?? {};
  const resolved = new Map<string, ContactSettings>();
  for (const [name, entry] of contacts) resolved.set(name, contactOf(name, entry));
  for (const { owner } of audiences) {
    const own = resolved.get(owner.name) ?? contactOf(owner.name, undefined);
    // What an audience says of its owner counts where there is something to reach them by.
    const more = <T>(list: readonly T[], value: T | undefined, can: boolean): readonly T[] => (value === undefined || !can || list.includes(value) ? list : [...list, value]);
    resolved.set(owner.name, { ...own, slack: more(own.slack, owner.slack, slack !== undefined), email: more(own.email, owner.email, smtp !== undefined) });
  }
  return {
    contacts: resolved,
    operators: alerts?.owner === undefined ? [...resolved.keys()] : [alerts.owner],
    ...(slack ? { slack: { apiUrl: slack.api_url, ...(slack.bot_token === undefined ? {} : { botToken: slack.bot_token }), ...(slack.webhook_url === undefined ? {} : { webhookUrl: slack.webhook_url }) } } : {}),
    ...(smtp ? { smtp } : {}),
    pagerdutyUrl: alerts?.pagerduty_url ?? 'https://events.pagerduty.com/v2/enqueue',
    thresholds: thresholdsOf(alerts),
  };
}

function thresholdsOf(alerts: AlertsEntry | undefined): Thresholds {
  const given = (alerts?.rules ?? {}) as Partial<Record<RuleName, Threshold | null>>;
  return new Map(
    (Object.keys(RULES) as RuleName[]).flatMap((name): [RuleName, Threshold][] => {
      const threshold = given[name] === undefined ? DEFAULT_THRESHOLDS.get(name) : given[name];
      return threshold ? [[name, threshold]] : [];
    }),
  );
}

const contactOf = (name: string, entry: ContactEntry | undefined): ContactSettings => ({
  name,
  slack: entry?.slack ?? [],
  email: entry?.email ?? [],
  escalateAfterMs: entry?.escalate_after ?? 30 * 60_000,
  ...(entry?.slack_webhook === undefined ? {} : { slackWebhook: entry.slack_webhook }),
  ...(entry?.pagerduty === undefined ? {} : { pagerduty: entry.pagerduty }),
  ...(entry?.webhook === undefined ? {} : { webhook: entry.webhook }),
  ...(entry?.quiet_hours === undefined ? {} : { quiet: entry.quiet_hours }),
  ...(entry?.escalate_to === undefined ? {} : { escalateTo: entry.escalate_to }),
});

/** For people: secrets masked, and absent where the registry says nothing. */
export function maskAlerting(contacts: ReadonlyMap<string, ContactEntry>, alerts: AlertsEntry | undefined): object {
  const hide = (entry: object, keys: readonly string[]): object => Object.fromEntries(Object.entries(entry).map(([key, value]) => [key, keys.includes(key) && value !== undefined ? '***' : (value as unknown)]));
  return {
    ...(contacts.size === 0 ? {} : { owners: Object.fromEntries([...contacts].map(([name, contact]) => [name, hide(contact, ['slack_webhook', 'pagerduty', 'webhook'])])) }),
    ...(alerts === undefined ? {} : { alerts: { ...alerts, ...(alerts.slack ? { slack: hide(alerts.slack, ['bot_token', 'webhook_url']) } : {}), ...(alerts.smtp ? { smtp: hide(alerts.smtp, ['url']) } : {}) } }),
  };
}
