/**
 * The monitor: looks at the ledger, holds what the rules find against the open alerts, and tells owners what changed. One process at a time;
 * run each minute by the schedule `headgate/monitor`, at once when a sync gets stuck, and by the api's watchdog when nobody else does.
 * It must never decide anything about members. Start reading at `round`.
 */
import { isBelievedAtOnce, judge, type Thresholds } from '../domain/alert-rules.ts';
import { netOf, type Finding, type Patience } from '../domain/alerts.ts';
import type { DueNote, Ledger, Observed, ToldChange } from '../ledger/index.ts';
import type { Logger } from '../monitoring/logger.ts';
import type { Metrics } from '../monitoring/metrics.ts';
import type { Contacts } from './contacts.ts';
import type { MonitorResult } from '../workflows/contract.ts';
import { composeMessage, type Links, type MessageItem } from './message.ts';

export interface MonitorOptions {
  ledger: Ledger;
  observed: Observed;
  thresholds: Thresholds;
  contacts: Contacts;
  links: Links;
  patience?: Patience;
  logger: Logger;
  metrics: Metrics;
}

/** A rule that counts is believed at the second look; an alert is over after two quiet minutes. */
const PATIENCE: Patience = { confirmMs: 50_000, settleMs: 110_000 };
const DELIVERY_TIMEOUT_MS = 10_000;
const MOST_NOTES = 500;
/** Several syncs get stuck at once when a token is revoked: one round sees them all. Milliseconds. */
const ALARM_DELAY_MS = 1_000;

export class Monitor {
  readonly #options: MonitorOptions;
  #alarm: NodeJS.Timeout | undefined;
  #stopped = false;
  #running: Promise<unknown> = Promise.resolve();

  constructor(options: MonitorOptions) {
    this.#options = options;
  }

  /** One look, and the messages that are due. Throws when the ledger does not answer. */
  round(): Promise<MonitorResult> {
    return this.#round([], true);
  }

  /** The same in place of a worker, which does not run the monitor. @param more what whoever calls has found itself */
  standIn(more: readonly Finding[]): Promise<MonitorResult> {
    return this.#round(more, false);
  }

  async #round(more: readonly Finding[], counts: boolean): Promise<MonitorResult> {
    const { ledger, observed, thresholds, metrics } = this.#options;
    const result: MonitorResult = { ran: false, findings: 0, changes: 0, delivered: 0, undelivered: 0 };
    const work = ledger.underMonitorLock(async () => {
      const findings = [...judge(await ledger.observe(observed), thresholds), ...more];
      const changes = await this.#update(findings);
      changes.forEach((change) => { this.#log(change); });
      if (counts) await ledger.noteMonitored();
      const { delivered, undelivered } = await this.#deliver();
      metrics.monitorRounds.inc();
      Object.assign(result, { findings: findings.length, changes: changes.length, delivered, undelivered });
    });
    this.#running = work.catch(() => undefined);
    result.ran = await work;
    return result;
  }

  /** Something has just got stuck: looks in a second, without waiting for the next minute. Never fails. */
  alarm(): void {
    if (this.#alarm || this.#stopped) return;
    this.#alarm = setTimeout(() => {
      this.#alarm = undefined;
      this.round().catch((error: unknown) => {
        this.#options.logger.debug({ err: error }, 'The monitor could not look; it looks again within a minute.');
      });
    }, ALARM_DELAY_MS);
  }

  /** Tells the operators when the ledger cannot be asked: each process for itself. Never fails. */
  async tellWithoutLedger(change: 'raised' | 'recovered', finding: Finding): Promise<void> {
    const { contacts, links, logger } = this.#options;
    const now = Date.now();
    this.#log({ change, finding, owners: [...contacts.operators] });
    const item: MessageItem = { alertId: 0, change, level: finding.level, finding, raisedAt: now, recoveredAt: change === 'recovered' ? now : null };
    const calls = contacts.operators.flatMap((owner) => contacts.channelsOf(owner).map((channel) => channel.deliver(composeMessage(owner, [item], links), AbortSignal.timeout(DELIVERY_TIMEOUT_MS))));
    for (const result of await Promise.allSettled(calls)) if (result.status === 'rejected') logger.warn({ err: result.reason as Error }, 'An operator could not be told.');
  }

  /** Sends a test message to an owner, or to all, by every channel they have. Empty when there is no such owner. */
  async test(owner: string | undefined): Promise<{ owner: string; channel: string | null; problem: string | null }[]> {
    const { contacts, links } = this.#options;
    const now = Date.now();
    const finding: Finding = {
      rule: 'test', subject: 'test', level: 'warning', since: now, stillTargeted: 0,
      what: 'This is a test of the alerts of Headgate. Nothing is wrong.', cure: 'Nothing.',
    };
    const owners = contacts.owners.filter((name) => owner === undefined || name === owner);
    const results = owners.map(async (name) => {
      const channels = contacts.channelsOf(name);
      if (channels.length === 0) return [{ owner: name, channel: null, problem: 'has no channel in headgate.yaml (owners, alerts): alerts are only logged and shown' }];
      const message = composeMessage(name, [{ alertId: 0, change: 'raised', level: 'warning', finding, raisedAt: now, recoveredAt: null }], links);
      return Promise.all(channels.map(async (channel) => {
        const problem = await channel.deliver(message, AbortSignal.timeout(DELIVERY_TIMEOUT_MS)).then(() => null, (error: unknown) => (error as Error).message);
        return { owner: name, channel: channel.name, problem };
      }));
    });
    return (await Promise.all(results)).flat();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#alarm);
    await this.#running;
  }

  #update(findings: readonly Finding[]): Promise<ToldChange[]> {
    const { ledger, contacts, patience = PATIENCE } = this.#options;
    return ledger.updateAlerts({
      findings,
      patience,
      atOnce: isBelievedAtOnce,
      ownersOf: (finding) => contacts.ownersOf(finding),
      notesOf: (owners, change, level, at) => contacts.notesOf(owners, change, level, at),
      escalationOf: (owners, ms) => contacts.escalationOf(owners, ms),
    });
  }

  #log({ change, finding, owners }: ToldChange): void {
    const { logger, metrics } = this.#options;
    const fields = { rule: finding.rule, level: finding.level, owners, audience: finding.audienceKey, destination: finding.destination, source: finding.source, still_targeted: finding.stillTargeted };
    metrics.alertChanges.inc({ rule: finding.rule, change });
    if (change === 'recovered') logger.info(fields, `Over: ${finding.what}`);
    else logger[finding.level === 'critical' ? 'error' : 'warn'](fields, `Alert (${finding.level}): ${finding.what} ${finding.cure}`);
  }

  /** What is due to one owner by one channel goes as one message. */
  async #deliver(): Promise<{ delivered: number; undelivered: number }> {
    const due = await this.#options.ledger.readDueNotes(MOST_NOTES);
    const groups = [...Map.groupBy(due, ({ owner, channel }) => `${owner}\n${channel}`).values()];
    const told = await Promise.all(groups.map((notes) => this.#tell(notes)));
    const delivered = told.filter((one) => one === 'delivered').length;
    return { delivered, undelivered: told.filter((one) => one === 'failed').length };
  }

  async #tell(notes: readonly DueNote[]): Promise<'delivered' | 'failed' | 'nothing'> {
    const { ledger, contacts, links, logger, metrics } = this.#options;
    const [first] = notes;
    if (!first) return 'nothing';
    const { owner, channel: name } = first;
    const { told, dropped } = netOf(notes);
    await ledger.dropNotes(dropped);
    const channel = contacts.channel(owner, name);
    const ids = told.flatMap(({ messageIds }) => messageIds);
    if (!channel || told.length === 0) {
      await ledger.dropNotes(ids);
      return 'nothing';
    }
    const items = told.map(({ alertId, change, level }): MessageItem => {
      const note = notes.findLast((one) => one.alertId === alertId) ?? first;
      return { alertId, change, level, finding: note.finding, raisedAt: note.raisedAt, recoveredAt: note.recoveredAt };
    });
    try {
      await channel.deliver(composeMessage(owner, items, links), AbortSignal.timeout(DELIVERY_TIMEOUT_MS));
    } catch (error) {
      const words = (error as Error).message;
      metrics.alertMessages.inc({ channel: name, result: 'failed' });
      logger.warn({ err: error, owner, channel: name }, `${owner} could not be told by ${name}; it is tried again. ${words}`);
      await ledger.noteUnsent(ids, words);
      return 'failed';
    }
    metrics.alertMessages.inc({ channel: name, result: 'sent' });
    await ledger.noteSent(ids);
    return 'delivered';
  }
}
