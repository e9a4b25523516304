/** The form by which one signs in, as far as this Headgate lets anybody. */
import { html, type Html } from './html.ts';
import type { ConsoleOptions } from './options.ts';
import { form, type Page } from './page.ts';
import type { Visit } from './visit.ts';
import { BASE } from './words.ts';

export const LONGEST_NAME = 80;

export type Tokens = Pick<ConsoleOptions, 'readToken' | 'operatorTokens'>;

/**
 * @param next where to go then
 * @param open somebody on this machine needs no token to operate
 */
export function signInPage(options: Tokens, visit: Visit, next: string, open: boolean, problem?: string): Page {
  return { title: 'Sign in', body: html`${problem !== undefined && html`<p class="notice bad" role="alert">${problem}</p>`}${fields(options, visit, next, open)}` };
}

function fields({ readToken, operatorTokens }: Tokens, visit: Visit, next: string, open: boolean): Html {
  if (!open && readToken === undefined && operatorTokens.length === 0) {
    return html`<p>Nobody can sign in, because this Headgate has no tokens and others than this machine can reach it. Set <code>HEADGATE_READ_TOKEN</code> for looking and <code>HEADGATE_OPERATOR_TOKEN</code> for acting, and start it again.</p>`;
  }
  const hasNames = operatorTokens.some(({ name }) => name !== null);
  const token = open
    ? html`<p>This Headgate listens on this machine only and has no operator token, so you may act without one.</p><input type="hidden" name="token" value="">`
    : html`<label>Token <input name="token" type="password" autocomplete="current-password" required></label>
<p class="hint">${operatorTokens.length === 0 ? 'Only looking is possible: HEADGATE_OPERATOR_TOKEN is not set.' : html`The value of <code>HEADGATE_OPERATOR_TOKEN</code>${hasNames && html`, or your own of <code>HEADGATE_OPERATOR_TOKENS</code>,`} to act${readToken !== undefined && html`, of <code>HEADGATE_READ_TOKEN</code> to look`}.`}</p>`;
  return form(visit, `${BASE}/sign-in`, html`<input type="hidden" name="next" value="${next}">
<label>Your name <input name="name" autocomplete="username" maxlength="${LONGEST_NAME}" value="${visit.session?.name ?? ''}"></label>
<p class="hint">Kept with what you do${hasNames && ', unless your token has your name'}.</p>
${token}
<button>Sign in</button>`, { className: 'card narrow', label: 'Sign in' });
}
