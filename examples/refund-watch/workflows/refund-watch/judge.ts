/** The rule itself: whether a refund opens a task. Pure, so that a test can try it on thousands of made-up customers. */

/** Times and lengths of time in milliseconds, as everywhere below. */
export interface Rules {
  /** So many refunds open a task … */
  refunds: number;
  /** … when they lie within so long, wherever that begins. */
  within: number;
  /** How long no further task is opened after one. */
  quiet: number;
}

export interface Seen {
  eventId: string;
  occurredAt: number;
}

/** What the ledger knows of one customer. */
export interface Known {
  /** Refunds around the one in question, itself among them, in any order. */
  refunds: readonly Seen[];
  /** When their refunds were last declared settled. */
  clearedAt: number | null;
  /** When the last task was opened. */
  taskAt: number | null;
}

export type Verdict =
  | { opens: true; refunds: Seen[] }
  | {
      opens: false;
      /** `cleared`: it was settled. `few`: not enough of them yet. `quiet`: a task was opened not long ago. `past`: all of it is history. */
      because: 'cleared' | 'few' | 'quiet' | 'past';
    };

/**
 * Looks at every window that the refund lies in, not only at the one that ends with it: one that comes late may be the first of three.
 * Of all workflows of one customer the last one to look sees all refunds, so none is missed, whatever the order in which they come.
 */
export function judge({ occurredAt }: Seen, { refunds, clearedAt, taskAt }: Known, rules: Rules, now: number): Verdict {
  if (clearedAt !== null && occurredAt <= clearedAt) return { opens: false, because: 'cleared' };
  const counting = refunds.filter((refund) => clearedAt === null || refund.occurredAt > clearedAt).sort(byTime);
  const windows = counting.filter(({ occurredAt: end }) => occurredAt <= end && end < occurredAt + rules.within).map(({ occurredAt: end }) => counting.filter((refund) => end - rules.within < refund.occurredAt && refund.occurredAt <= end));
  const full = windows.filter((window) => window.length >= rules.refunds);
  if (full.length === 0) return { opens: false, because: 'few' };
  // A task that is older than the last settlement belongs to an affair that is over.
  const open = taskAt !== null && (clearedAt === null || taskAt > clearedAt);
  if (open && occurredAt < taskAt + rules.quiet) return { opens: false, because: 'quiet' };
  const [fullest] = full.filter((window) => newestOf(window) > now - rules.within).sort((one, other) => other.length - one.length);
  return fullest ? { opens: true, refunds: fullest } : { opens: false, because: 'past' };
}

const newestOf = (window: readonly Seen[]): number => window.at(-1)?.occurredAt ?? -Infinity;
const byTime = (a: Seen, b: Seen): number => a.occurredAt - b.occurredAt || (a.eventId < b.eventId ? -1 : 1);
