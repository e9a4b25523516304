/** An action of headgate.yaml, ready to send: its kind with its settings, and what all kinds share. */
import { PlatformFailure } from '../domain/failures.ts';
import type { ForwardFields } from '../domain/forward.ts';
import type { ActionEntry } from '../domain/registry.ts';
import type { ActionKind, ActionRequest, Connected, Verdict } from './action.ts';
import { sendRequest } from './send.ts';
import { TemplateFailed } from './template.ts';

/** As the registry has it; nothing is connected yet. */
export interface ConfiguredAction {
  entry: ActionEntry;
  kind: ActionKind;
  settings: unknown;
  sandbox: boolean;
  allowPrivate: boolean;
  /** Calls at once. */
  concurrency: number;
  callsPerMinute: number | undefined;
  /** Milliseconds. */
  timeoutMs: number;
  retried: ReadonlySet<number>;
}

/** What became of one attempt. */
export interface Attempt {
  verdict: Verdict;
  /** HTTP status and the body's beginning; null without an answer. */
  status: number | null;
  answer: string | null;
}

export interface Action extends Pick<ConfiguredAction, 'entry' | 'concurrency' | 'callsPerMinute' | 'timeoutMs'> {
  uses: readonly string[];
  /** Throws TemplateFailed. */
  request: (fields: ForwardFields) => ActionRequest;
  /** Sends an event once. Throws nothing but bugs. The signal ends the call. */
  send: (fields: ForwardFields, signal: AbortSignal) => Promise<Attempt>;
}

/** @param standIn where the local stand-in of an action with `sandbox: true` listens */
export function connectAction({ entry, kind, settings, sandbox, allowPrivate, concurrency, callsPerMinute, timeoutMs, retried }: ConfiguredAction, standIn: string | undefined): Action {
  const connected: Connected = kind.connect(settings, sandbox ? standIn : undefined);
  const { name } = entry;
  const request = (fields: ForwardFields): ActionRequest => connected.request(fields, Date.now());
  async function send(fields: ForwardFields, signal: AbortSignal): Promise<Attempt> {
    try {
      const answer = await sendRequest(request(fields), { name, allowPrivate: allowPrivate || sandbox, signal: AbortSignal.any([AbortSignal.timeout(timeoutMs), signal]) });
      return { verdict: connected.judge(answer, { name, retried }), status: answer.status, answer: answer.text };
    } catch (error) {
      const none = { status: null, answer: null };
      // The same template with the same values fails again.
      if (error instanceof TemplateFailed) return { verdict: { kind: 'refused', reason: `its template cannot be filled in: ${error.message}` }, ...none };
      if (error instanceof PlatformFailure) return { verdict: { kind: 'failed', report: error.report }, ...none };
      throw error;
    }
  }
  return { entry, concurrency, callsPerMinute, timeoutMs, uses: connected.uses, request, send };
}
