/** Who is told, by what and when: the registry's `owners:` as the monitor uses them. */
import type { Audience, TargetRef } from '../domain/registry.ts';
import { dueAt, type AlertChange, type Finding, type Level, type QuietHours } from '../domain/alerts.ts';
import type { Note } from '../ledger/index.ts';
import { emailChannel } from './channels/email.ts';
import type { Channel } from './channels/channel.ts';
import { pagerdutyChannel } from './channels/pagerduty.ts';
import { slackChannel } from './channels/slack.ts';
import { webhookChannel } from './channels/webhook.ts';

/** How an owner is reached. Holds secrets. */
export interface ContactSettings {
  name: string;
  slack: readonly string[];
  slackWebhook?: string;
  email: readonly string[];
  pagerduty?: string;
  webhook?: { url: string; secret: string };
  quiet?: QuietHours;
  escalateTo?: string;
  /** Milliseconds. */
  escalateAfterMs: number;
}

/** What the channels share. */
export interface ChannelSettings {
  slack?: { botToken?: string; webhookUrl?: string; apiUrl: string };
  smtp?: { url: string; from: string };
  pagerdutyUrl: string;
}

export interface ContactsOptions extends ChannelSettings {
  contacts: ReadonlyMap<string, ContactSettings>;
  operators: readonly string[];
  audiences: ReadonlyMap<string, Audience>;
  targets: readonly TargetRef[];
}

export class Contacts {
  readonly #options: ContactsOptions;
  readonly #channels: ReadonlyMap<string, ReadonlyMap<string, Channel>>;

  constructor(options: ContactsOptions) {
    this.#options = options;
    this.#channels = new Map([...options.contacts].map(([name, contact]) => [name, new Map(channelsOf(contact, options).map((channel) => [channel.name, channel]))]));
  }

  /** All that an owner is reached by; none when the registry says nothing. */
  channelsOf(owner: string): Channel[] {
    return [...(this.#channels.get(owner)?.values() ?? [])];
  }

  channel(owner: string, name: string): Channel | undefined {
    return this.#channels.get(owner)?.get(name);
  }

  get owners(): string[] {
    return [...this.#options.contacts.keys()];
  }

  get operators(): readonly string[] {
    return this.#options.operators;
  }

  /** Of an audience: its owner. Of a destination: the owners of its audiences. Of anything else: the operators. */
  ownersOf(finding: Finding): string[] {
    const { audiences, targets, operators } = this.#options;
    const owner = finding.audienceKey === undefined ? undefined : audiences.get(finding.audienceKey)?.owner.name;
    if (owner !== undefined) return [owner];
    const there = targets.filter(({ destination }) => destination === finding.destination).flatMap(({ audienceKey }) => audiences.get(audienceKey)?.owner.name ?? []);
    return [...new Set(there.length > 0 ? there : operators)];
  }

  /** By each channel of each of them, outside their quiet hours. @param at milliseconds since the epoch */
  notesOf(owners: readonly string[], change: AlertChange, level: Level, at: number): Note[] {
    return owners.flatMap((owner) => this.channelsOf(owner).map(({ name }) => ({ owner, channel: name, dueAt: dueAt(at, level, change, this.#options.contacts.get(owner)?.quiet) })));
  }

  /** The next owners after those who let a critical alert lie for too long. */
  escalationOf(owners: readonly string[], criticalForMs: number): string[] {
    return [...new Set(owners.flatMap((owner) => {
      const contact = this.#options.contacts.get(owner);
      return contact?.escalateTo !== undefined && criticalForMs >= contact.escalateAfterMs && !owners.includes(contact.escalateTo) ? [contact.escalateTo] : [];
    }))];
  }
}

function channelsOf(contact: ContactSettings, { slack, smtp, pagerdutyUrl }: ChannelSettings): Channel[] {
  const bot = slack?.botToken !== undefined && contact.slack.length > 0;
  const webhookUrl = contact.slackWebhook ?? (contact.slack.length > 0 ? slack?.webhookUrl : undefined);
  return [
    ...(bot || webhookUrl !== undefined
      ? [slackChannel({ apiUrl: slack?.apiUrl ?? '', channels: contact.slack, ...(bot && contact.slackWebhook === undefined ? { botToken: slack.botToken ?? '' } : {}), ...(webhookUrl === undefined ? {} : { webhookUrl }) })]
      : []),
    ...(smtp && contact.email.length > 0 ? [emailChannel({ ...smtp, to: contact.email })] : []),
    ...(contact.pagerduty === undefined ? [] : [pagerdutyChannel({ routingKey: contact.pagerduty, url: pagerdutyUrl })]),
    ...(contact.webhook ? [webhookChannel(contact.webhook)] : []),
  ];
}
