/** What owners read: one message for all that changed for them at once. Pure. */
import { span, titleOf } from '../domain/alert-rules.ts';
import type { AlertChange, Finding, Level } from '../domain/alerts.ts';
import { formatTime } from '../domain/describe.ts';
import { plainLine } from '../domain/plain-line.ts';

/** One thing to tell. Times in milliseconds since the epoch. */
export interface MessageItem {
  alertId: number;
  change: AlertChange;
  level: Level;
  finding: Finding;
  raisedAt: number;
  recoveredAt: number | null;
}

/** Where links lead; without an address there are none. */
export interface Links {
  /** Address of the api, such as `https://headgate.example.com`. */
  headgate: string | undefined;
}

export interface Message {
  owner: string;
  /** One line. */
  title: string;
  items: readonly (MessageItem & { headline: string; lines: string[]; runbook: string | undefined; link: string | undefined })[];
  /** The worst of what is not over; null when all of it is. */
  level: Level | null;
  /** Everything as plain text. */
  text: string;
}

const ORDER: Record<AlertChange, number> = { escalated: 0, worse: 1, raised: 2, recovered: 3 };
const WORDS: Record<AlertChange, string> = { raised: '', worse: 'worse: ', recovered: 'over: ', escalated: 'nobody has acknowledged: ' };
/** One title names this many characters of the first thing. */
const LONGEST_TITLE = 140;

/** Puts a message together; what is critical comes first, what is over last. */
export function composeMessage(owner: string, items: readonly MessageItem[], links: Links): Message {
  const sorted = items.toSorted((a, b) => ORDER[a.change] - ORDER[b.change] || rank(b.level) - rank(a.level) || b.finding.stillTargeted - a.finding.stillTargeted);
  const described = sorted.map((item) => ({ ...item, ...plainly(describe(item, links)) }));
  const open = described.filter(({ change }) => change !== 'recovered');
  const level = open.some((item) => item.level === 'critical') ? 'critical' : open.length > 0 ? 'warning' : null;
  const [first] = described;
  const others = described.length > 1 ? ` (and ${String(described.length - 1)} more)` : '';
  const title = `[Headgate] ${level ?? 'recovered'}: ${clip(plainLine(first?.headline ?? ''), LONGEST_TITLE)}${others}`;
  const text = [...described.map(({ headline, lines }) => [headline, ...lines.map((line) => `  ${line}`)].join('\n')), `For ${owner}.`].join('\n\n');
  return { owner, title, items: described, level, text: `${title}\n\n${text}\n` };
}

const rank = (level: Level): number => (level === 'critical' ? 1 : 0);
const clip = (text: string, most: number): string => (text.length <= most ? text : `${text.slice(0, most - 1)}…`);

function describe(item: MessageItem, { headgate }: Links): { headline: string; lines: string[]; runbook: string | undefined; link: string | undefined } {
  const { finding, change, alertId } = item;
  const runbook = headgate === undefined ? undefined : `${headgate}/runbook#${finding.rule}`;
  const link = headgate === undefined ? undefined : linkOf(headgate, finding);
  if (change === 'recovered') {
    const lasted = span((item.recoveredAt ?? Date.now()) - (finding.since ?? item.raisedAt));
    return { headline: `${WORDS.recovered}${titleOf(finding.rule)} · ${finding.subject}`, lines: [`It lasted ${lasted}. It was: ${finding.what}`], runbook, link };
  }
  const lines = [
    ...(finding.since === null ? [] : [`Since ${formatTime(finding.since)}.`]),
    ...(finding.stillTargeted > 0 ? [`Money: ${finding.stillTargeted.toLocaleString('en')} ${finding.stillTargeted === 1 ? 'person is' : 'people are'} still targeted who should not be.`] : []),
    `What to do: ${finding.cure}`,
    ...(finding.command === undefined ? [] : [`Then: ${finding.command}`]),
    ...(link === undefined ? [] : [`See: ${link}`]),
    ...(runbook === undefined ? [] : [`Runbook: ${runbook}`]),
    ...(alertId > 0 ? [`Alert ${String(alertId)} (${item.level}). headgate alerts ack ${String(alertId)} says that you look after it.`] : []),
  ];
  return { headline: `${WORDS[change]}${finding.what}`, lines, runbook, link };
}

/** A platform's words, or a sender's, write no line of their own. */
const plainly = <T extends { headline: string; lines: string[] }>(given: T): T => ({ ...given, headline: plainLine(given.headline), lines: given.lines.map(plainLine) });

function linkOf(headgate: string, { audienceKey, rule }: Finding): string {
  if (audienceKey !== undefined) return `${headgate}/console/audiences/${encodeURIComponent(audienceKey)}`;
  return rule === 'invalid_rate' || rule === 'quarantine_growth' ? `${headgate}/console/quarantine` : `${headgate}/console`;
}
