/** Quarantined entries and what became of them, as text for people. */
import type { EntryResult, QuarantineEntryDetails, QuarantineEntryView } from '../api/index.ts';
import { table } from './table.ts';
import { time } from './time.ts';

/** A result as the command line has it: the api's, or why there is none. */
export type Result = EntryResult | { id: number; outcome: 'resolved' | 'busy' | 'unknown'; problem: string };

const FINE = new Set<Result['outcome']>(['replayed', 'replayable', 'discarded', 'discardable']);
export const isFine = ({ outcome }: Result): boolean => FINE.has(outcome);

const REASON_WIDTH = 60;
const MOST_SHOWN = 20;

type Problem = QuarantineEntryView['problems'][number];
const inWords = ({ path, message }: Problem): string => `${path === '' ? '' : `${path}: `}${message}`;
const bullets = (problems: readonly Problem[]): string => problems.map((problem) => `  - ${inWords(problem)}`).join('\n');

export function describeList(entries: readonly QuarantineEntryView[], matching: number, next: number | null): string {
  if (entries.length === 0) return 'Nothing in quarantine matches.';
  const resolved = entries.some(({ resolution }) => resolution !== null);
  const rows = entries.map((entry) => [
    entry.id,
    time(entry.received_at),
    entry.source,
    entry.event,
    entry.audience_key,
    entry.problems.map(inWords).join('\n'),
    ...(resolved ? [entry.resolution] : []),
  ]);
  const shown = table(['id', 'received', 'source', 'event', 'audience', 'why', ...(resolved ? ['resolved'] : [])], rows, { widths: { why: REASON_WIDTH } });
  const more = next === null ? '' : ` Older ones: --before ${String(next)}.`;
  return `${shown}\n${String(entries.length)} of ${String(matching)}.${more} One of them in full: npx headgate quarantine show ${String(entries[0]?.id)}`;
}

export function describeEntry(entry: QuarantineEntryDetails): string {
  const facts = [
    ['received', time(entry.received_at)],
    ['source', entry.source],
    ['event', entry.event],
    ['audience', entry.audience_key],
    ['event_id', entry.event_id],
    ['person', describePerson(entry.person)],
    ['state', entry.resolution === null ? 'waits' : `${entry.resolution}, ${time(entry.resolved_at)}`],
    ...(entry.resolution === null ? [] : [['by', entry.resolved_by], ['because', entry.resolved_because], ['replayed as', entry.replayed_as]]),
  ];
  return [
    table(['', `${String(entry.id)} · ${entry.reason}`], facts),
    'What was wrong when it came',
    bullets(entry.problems),
    'The body, with hashes for personal data',
    typeof entry.body === 'string' ? entry.body : JSON.stringify(entry.body, null, 2),
    ...(entry.resolution === null ? [whatNext(entry)] : []),
  ].join('\n');
}

function describePerson({ customer_id: customerId, cio_id: cioId, email_hash: email, identifiers }: QuarantineEntryDetails['person']): string {
  const who = [customerId, cioId === null ? null : `cio_id ${cioId}`, email === null ? null : `e-mail ${email.slice(0, 8)}…`].filter((one) => one !== null);
  const platforms = Object.entries(identifiers).map(([platform, types]) => `${platform}: ${types.join(', ')}`);
  return [who.length === 0 ? 'nobody' : who.join(', '), ...platforms].join('\n');
}

function whatNext({ id, reason, still_wrong: wrong }: QuarantineEntryDetails): string {
  const replay = `npx headgate quarantine replay ${String(id)}`;
  if (wrong.length > 0) {
    return [
      'What is wrong with it now',
      bullets(wrong),
      `Correct a field:    ${replay} --set NAME=VALUE`,
      `Or the whole body:  npx headgate quarantine show ${String(id)} --body > ${String(id)}.json, edit it, ${replay} --body ${String(id)}.json`,
    ].join('\n');
  }
  if (reason === 'conflict') return `It needs an event_id of its own: ${replay} --set event_id=NEW_ID, or --set event_id= to have one derived.`;
  return `Nothing is wrong with it any more: ${replay}`;
}

/** One result in a line or a few. */
export function describeResult(result: Result): string {
  const id = String(result.id);
  switch (result.outcome) {
    case 'replayed': {
      const state = result.audience === undefined ? '' : `: ${result.audience}${result.until === undefined ? '' : ` until ${time(result.until)}`}`;
      return `${id}  replayed, ${result.status}${state}\nLook at it: npx headgate event ${result.event_id}`;
    }
    case 'replayable':
      return `${id}  would be replayed as ${result.status === 'new' ? 'a new event' : 'a duplicate'}, ${result.event_id}`;
    case 'discarded':
      return `${id}  discarded`;
    case 'discardable':
      return `${id}  would be discarded`;
    case 'invalid':
      return `${id}  still invalid, so it stays\n${bullets(result.problems)}`;
    case 'conflict':
      return `${id}  still a conflict, so it stays\n  - ${result.problem}`;
    case 'resolved':
    case 'busy':
    case 'unknown':
      return `${id}  ${result.problem}`;
  }
}

/** Counts by what happened, then the first of those that did not work. */
export function describeResults(results: readonly Result[]): string {
  if (results.length === 0) return 'Nothing in quarantine matches.';
  const counts = new Map<string, number>();
  for (const result of results) {
    const what = 'status' in result ? `${result.outcome}: ${result.status}` : result.outcome;
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }
  const failed = results.filter((result) => !isFine(result));
  const more = failed.length > MOST_SHOWN ? [`… and ${String(failed.length - MOST_SHOWN)} more; --json prints every one`] : [];
  return [table(['what became of them', 'entries'], [...counts]), ...failed.slice(0, MOST_SHOWN).map(describeResult), ...more].join('\n');
}
