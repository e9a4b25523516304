/**
 * The port: what a kind of action fills. A kind says which settings it has, what it sends of an event, and what the tool's answer means.
 * It must never read the ledger, the environment or Temporal; sending itself is the same for all (send.ts). Start reading at http.ts.
 */
import type { z } from 'zod';
import type { FailureReport } from '../domain/failures.ts';
import type { ForwardFields } from '../domain/forward.ts';

/** An HTTP request, put together but not sent. */
export interface ActionRequest {
  method: string;
  url: string;
  headers: Record<string, string>;
  body: string;
}

export interface ActionAnswer {
  status: number;
  headers: Headers;
  /** The beginning of the body. */
  text: string;
}

/**
 * - `sent`: the tool has it, by its own answer
 * - `refused`: never, for this reason
 * - `failed`: not now; it is sent again
 */
export type Verdict = { kind: 'sent' } | { kind: 'refused'; reason: string } | { kind: 'failed'; report: FailureReport };

/** How the settings that all kinds share bear on what an answer means. */
export interface Judging {
  /** The action's name, for messages. */
  name: string;
  /** 4xx statuses after which it is sent again. */
  retried: ReadonlySet<number>;
}

/** A kind with its settings. */
export interface Connected {
  /** What is sent of an event. `at`: milliseconds since the epoch. Throws TemplateFailed when a template cannot be filled in. */
  request: (fields: ForwardFields, at: number) => ActionRequest;
  judge: (answer: ActionAnswer, judging: Judging) => Verdict;
  /** The names below `attributes` and `context` that its templates use, for `headgate template`. */
  uses: readonly string[];
}

/** One kind of action, as listed in the catalogue. */
export interface ActionKind<Settings = unknown> {
  readonly kind: string;
  /** The entry in `headgate.yaml` besides what all have. Secrets carry `.meta({ secret: true })`. */
  readonly settings: z.ZodType<Settings>;
  /** Most calls a minute unless the entry says otherwise; undefined: as many as the tool lets through. */
  readonly callsPerMinute: number | undefined;
  /** @param standIn where the local stand-in listens; undefined talks to the tool itself */
  connect: (settings: Settings, standIn: string | undefined) => Connected;
}

/** Keeps a kind's own type of settings inside its file. */
export function defineKind<Settings>(kind: ActionKind<Settings>): ActionKind {
  return kind as unknown as ActionKind;
}

/** The same with a stand-in's address in the place of the tool's, with the tool's path kept. */
export function through(standIn: string | undefined, url: string): string {
  if (standIn === undefined) return url;
  const { pathname, search } = new URL(url);
  return `${standIn}${pathname}${search}`;
}
