/** Signing in by the tokens of the API, and out. */
import { Router, urlencoded } from 'express';
import { callerAddress, credentialOf, isOpen, sameText, shortText, tokenOf, WrongTokens } from '../api/index.ts';
import type { ConsoleOptions } from './options.ts';
import { ofThisConsole, type Desk } from './desk.ts';
import { LONGEST_NAME, signInPage, type Tokens } from './sign-in-page.ts';
import { endSession, knownBrowser, startSession, type Session } from './visit.ts';
import { BASE } from './words.ts';

/** Of one address, or one browser that is known, in a minute. */
const MOST_WRONG = 8;

export function signInRoutes(options: ConsoleOptions, desk: Desk): Router {
  const router = Router();
  const limit = new WrongTokens(MOST_WRONG);
  router.get('/sign-in', desk.page('nobody', (request, visit) => signInPage(options, visit, ofThisConsole(request.query['next']), isOpen('operating', options, request))));
  router.post('/sign-in', urlencoded({ extended: false, limit: '10kb' }), desk.checkForm, (request, response) => {
    const given = request.body as Partial<Record<'token' | 'name' | 'next', unknown>>;
    const visit = desk.visit(response);
    const next = ofThisConsole(given.next);
    const open = isOpen('operating', options, request);
    const refuse = (status: number, problem: string): void => {
      desk.send(response, { ...signInPage(options, visit, next, open, problem), status });
    };
    const address = callerAddress(request);
    const known = knownBrowser(request, desk.seal);
    const guesser = known === undefined ? address : `browser ${known}`;
    const waitMs = limit.waitFor(guesser);
    if (waitMs > 0) {
      response.set('Retry-After', String(Math.ceil(waitMs / 1_000)));
      refuse(429, `Too many wrong tokens: try again in ${String(Math.ceil(waitMs / 1_000))} seconds.`);
      return;
    }
    const session = sessionOf(options, open, given);
    if (!session) {
      limit.note(guesser);
      options.audit.wrongToken({ via: 'console', address, at: 'the sign-in of the console' });
      refuse(401, 'This is neither an operator token nor the read token of this Headgate.');
      return;
    }
    startSession(request, response, desk.seal, session);
    const { role, name, credential } = session;
    options.audit.note({ via: 'console', who: name || 'somebody', credential, address, action: 'sign_in', subject: 'the console', outcome: 'done', detail: { role } });
    response.redirect(303, next);
  });
  router.post('/sign-out', urlencoded({ extended: false, limit: '10kb' }), desk.checkForm, (request, response) => {
    endSession(request, response);
    if (desk.visit(response).session) options.audit.note({ ...desk.actor(request, response), action: 'sign_out', subject: 'the console', outcome: 'done' });
    response.redirect(303, BASE);
  });
  return router;
}

/** Whoever has a token of their own goes by its name; the others by what they say. */
function sessionOf({ readToken, operatorTokens }: Tokens, open: boolean, given: Partial<Record<'token' | 'name', unknown>>): Omit<Session, 'id'> | undefined {
  const token = typeof given.token === 'string' ? given.token.trim() : '';
  const name = shortText(given.name, LONGEST_NAME);
  const operator = tokenOf(operatorTokens, token);
  if (operator) return { role: 'operator', name: operator.name ?? name, credential: credentialOf(operator) };
  if (readToken !== undefined && sameText(readToken, token)) return { role: 'reader', name, credential: 'the read token' };
  return open && token === '' ? { role: 'operator', name, credential: 'none: on this machine' } : undefined;
}
