/** How owners are reached. A channel delivers one message or throws with a sentence that holds no secret. */
import type { Message } from '../message.ts';

export interface Channel {
  /** Named in `headgate alerts` and in the ledger: `slack`, `email`, `pagerduty`, `webhook`. */
  readonly name: string;
  /** Delivers, or throws. Delivering the same message twice does no harm. */
  deliver: (message: Message, signal: AbortSignal) => Promise<void>;
}

const SHOWN = 200;

/** Posts; throws with the status and the beginning of the answer when it is no success. @param what for messages: `Slack` */
export async function post(what: string, url: string, init: { headers: Record<string, string>; body: string; signal: AbortSignal }): Promise<string> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, { method: 'POST', redirect: 'error', ...init });
    text = await response.text();
  } catch (error) {
    const cause = (error as { cause?: { code?: string } }).cause?.code ?? (init.signal.aborted ? 'no answer in time' : 'no connection');
    // The address itself may be the secret (Slack's incoming webhooks).
    throw new Error(`${what} cannot be reached (${cause})`, { cause: error });
  }
  if (!response.ok) throw new Error(`${what} answered ${String(response.status)}: ${text.slice(0, SHOWN)}`);
  return text;
}
