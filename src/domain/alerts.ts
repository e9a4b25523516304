/**
 * Alerts: what the rules find becomes one alert per rule and subject, and each change of it is told once. Pure; the rules are in
 * alert-rules.ts, what they look at is in alert-facts.ts.
 */

export const LEVELS = ['warning', 'critical'] as const;
export type Level = (typeof LEVELS)[number];

/** What a rule found, as it is now. */
export interface Finding {
  /** The rule; its section of docs/runbook.md has the same name. */
  rule: string;
  /** What it is about: `destination/audience`, a destination, a source, an exporter. Together with the rule the alert's identity. */
  subject: string;
  destination?: string;
  audienceKey?: string;
  source?: string;
  level: Level;
  /** One sentence, with the numbers. */
  what: string;
  /** Since when, in milliseconds since the epoch; null when it cannot be said. */
  since: number | null;
  /** People still targeted who should not be. */
  stillTargeted: number;
  /** What to do, one sentence. */
  cure: string;
  /** What to type, if there is something. */
  command?: string;
}

/** An alert that is not over, as the ledger keeps it. Times in milliseconds since the epoch. */
export interface OpenAlert {
  alertId: number;
  rule: string;
  subject: string;
  level: Level;
  seenAt: number;
  lastSeenAt: number;
  /** Null while it has yet to be confirmed. */
  raisedAt: number | null;
}

/**
 * - `raised`: its owners hear of it for the first time
 * - `worse`: it has become critical
 * - `recovered`: it is over
 * - `escalated`: nobody acknowledged it, so the next owner hears of it
 */
export type AlertChange = 'raised' | 'worse' | 'recovered' | 'escalated';

export interface Patience {
  /** A rule that counts is believed when it still finds the same after so long, in milliseconds. States are believed at once. */
  confirmMs: number;
  /** An alert is over when its rule has found nothing for so long, in milliseconds: what comes and goes is one alert. */
  settleMs: number;
}

/** What one look at the findings changes. */
export type AlertStep =
  | { step: 'open'; finding: Finding; raised: boolean }
  | { step: 'keep'; alert: OpenAlert; finding: Finding; change: 'raised' | 'worse' | null }
  | { step: 'recover'; alert: OpenAlert }
  | { step: 'forget'; alert: OpenAlert };

const keyOf = ({ rule, subject }: { rule: string; subject: string }): string => `${rule}\n${subject}`;

/**
 * Holds the findings of now against the open alerts. A level that goes down is kept (and told by nobody) until the alert is over, so that
 * one which goes up and down is not told again and again.
 * @param atOnce whether what a rule finds is a state that needs no second look
 */
export function stepsOf(open: readonly OpenAlert[], findings: readonly Finding[], now: number, patience: Patience, atOnce: (rule: string) => boolean): AlertStep[] {
  const found = new Map(findings.map((finding) => [keyOf(finding), finding]));
  const steps = open.flatMap((alert): AlertStep[] => {
    const finding = found.get(keyOf(alert));
    found.delete(keyOf(alert));
    if (!finding) {
      if (alert.raisedAt === null) return [{ step: 'forget', alert }];
      return now - alert.lastSeenAt >= patience.settleMs ? [{ step: 'recover', alert }] : [];
    }
    if (alert.raisedAt === null) {
      const raised = atOnce(alert.rule) || now - alert.seenAt >= patience.confirmMs;
      return [{ step: 'keep', alert, finding, change: raised ? 'raised' : null }];
    }
    const worse = finding.level === 'critical' && alert.level === 'warning';
    return [{ step: 'keep', alert, finding: worse ? finding : { ...finding, level: alert.level }, change: worse ? 'worse' : null }];
  });
  return [...steps, ...[...found.values()].map((finding): AlertStep => ({ step: 'open', finding, raised: atOnce(finding.rule) }))];
}

/** A change as it waits to be told to an owner. */
export interface WaitingNote {
  messageId: number;
  alertId: number;
  change: AlertChange;
  level: Level;
}

/** What is left to tell of an alert, and the notes that it stands for. */
export interface Told {
  alertId: number;
  change: AlertChange;
  level: Level;
  messageIds: number[];
}

/**
 * Notes that waited together (quiet hours, a channel that was down) become one per alert; of one that came and went meanwhile nothing is left.
 * @param notes of one owner and channel, the oldest first
 * @returns what to tell, and the notes that nobody needs any more
 */
export function netOf(notes: readonly WaitingNote[]): { told: Told[]; dropped: number[] } {
  const byAlert = Map.groupBy(notes, ({ alertId }) => alertId);
  const told: Told[] = [];
  const dropped: number[] = [];
  for (const [alertId, own] of byAlert) {
    const messageIds = own.map(({ messageId }) => messageId);
    const last = own.at(-1);
    if (!last) continue;
    const first = own.some(({ change }) => change === 'raised' || change === 'escalated');
    if (last.change === 'recovered' && first) dropped.push(...messageIds);
    else told.push({ alertId, change: last.change === 'worse' && own.some(({ change }) => change === 'raised') ? 'raised' : last.change, level: last.level, messageIds });
  }
  return { told, dropped };
}

/** Times of day when an owner is told only what is critical. Minutes since midnight in `timezone`. */
export interface QuietHours {
  from: number;
  to: number;
  /** IANA name. */
  timezone: string;
}

const MINUTE = 60_000;

/** When to tell something that happens `at` (milliseconds since the epoch): at once, or when the quiet hours end. */
export function dueAt(at: number, level: Level, change: AlertChange, quiet: QuietHours | undefined): number {
  if (!quiet || (level === 'critical' && change !== 'recovered')) return at;
  const minute = minuteOfDay(at, quiet.timezone);
  const inside = quiet.from <= quiet.to ? minute >= quiet.from && minute < quiet.to : minute >= quiet.from || minute < quiet.to;
  if (!inside) return at;
  const left = (quiet.to - minute + 1_440) % 1_440;
  return at - (at % MINUTE) + left * MINUTE;
}

function minuteOfDay(at: number, timezone: string): number {
  const [hours = 0, minutes = 0] = new Intl.DateTimeFormat('en-GB', { timeZone: timezone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
    .format(at)
    .split(':')
    .map(Number);
  return hours * 60 + minutes;
}
