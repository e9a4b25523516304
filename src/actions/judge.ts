/** What an HTTP answer means when the tool has no words of its own for it. */
import { retryAfterOf } from '../destinations/http-call.ts';
import type { FailureReport } from '../domain/failures.ts';
import type { ActionAnswer, Judging, Verdict } from './action.ts';

const SHOWN_CHARACTERS = 200;

/** `HTTP 422: {"error":"…"}`. */
export const inItsWords = ({ status, text }: Pick<ActionAnswer, 'status' | 'text'>): string => {
  const said = text.replace(/\s+/g, ' ').trim().slice(0, SHOWN_CHARACTERS);
  return `HTTP ${String(status)}${said === '' ? '' : `: ${said}`}`;
};

export function judgeStatus(answer: ActionAnswer, { name, retried }: Judging): Verdict {
  const { status, headers } = answer;
  const cause = inItsWords(answer);
  if (status >= 200 && status < 300) return { kind: 'sent' };
  const retryAfterMs = retryAfterOf(headers);
  const later = retryAfterMs === undefined ? {} : { retryAfterMs };
  const failed = (report: FailureReport): Verdict => ({ kind: 'failed', report });
  if (status >= 500 || status < 200) return failed({ kind: 'unavailable', cause, cure: '', ...later });
  if (status < 400) {
    const where = headers.get('location');
    return failed({ kind: 'misconfigured', cause: `HTTP ${String(status)}, a redirect${where === null ? '' : ` to ${where.slice(0, SHOWN_CHARACTERS)}`}, which is not followed`, cure: `Put the final address into the url of ${name} in headgate.yaml.` });
  }
  if (!retried.has(status)) return { kind: 'refused', reason: cause };
  if (status === 429) return failed({ kind: 'rate_limited', cause, cure: '', ...later });
  if (status === 401 || status === 403 || status === 407) return failed({ kind: 'unauthorised', cause, cure: `Look at the token, key or headers of ${name} in headgate.yaml, put in valid ones and restart; what waits is sent then.`, ...later });
  return failed({ kind: 'unavailable', cause, cure: '', ...later });
}
