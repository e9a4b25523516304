/** Signing in by the tokens of the API, and out. */
import { Router, urlencoded } from 'express';
import { isOpen, sameText } from '../api/index.ts';
import type { ConsoleOptions } from './options.ts';
import { ofThisConsole, type Desk } from './desk.ts';
import { SignInLimit } from './sign-in-limit.ts';
import { LONGEST_NAME, signInPage, type Tokens } from './sign-in-page.ts';
import { endSession, startSession, type Role } from './visit.ts';
import { BASE } from './words.ts';

export function signInRoutes(options: ConsoleOptions, desk: Desk): Router {
  const router = Router();
  const limit = new SignInLimit();
  router.get('/sign-in', desk.page('nobody', (request, visit) => signInPage(options, visit, ofThisConsole(request.query['next']), isOpen('operating', options.host, options.operatorToken, request))));
  router.post('/sign-in', urlencoded({ extended: false, limit: '10kb' }), desk.checkForm, (request, response) => {
    const given = request.body as Partial<Record<'token' | 'name' | 'next', unknown>>;
    const visit = desk.visit(response);
    const next = ofThisConsole(given.next);
    const open = isOpen('operating', options.host, options.operatorToken, request);
    const refuse = (status: number, problem: string): void => {
      desk.send(response, { ...signInPage(options, visit, next, open, problem), status });
    };
    const address = request.socket.remoteAddress ?? '';
    const waitMs = limit.waitFor(address, Date.now());
    if (waitMs > 0) {
      response.set('Retry-After', String(Math.ceil(waitMs / 1_000)));
      refuse(429, `Too many wrong tokens: try again in ${String(Math.ceil(waitMs / 1_000))} seconds.`);
      return;
    }
    const role = roleOf(options, open, typeof given.token === 'string' ? given.token.trim() : '');
    if (role === 'nobody') {
      limit.failed(address, Date.now());
      options.logger.warn({ address }, 'Somebody gave a wrong token at the sign-in of the console.');
      refuse(401, 'This is neither the operator token nor the read token of this Headgate.');
      return;
    }
    const name = typeof given.name === 'string' ? given.name.trim().slice(0, LONGEST_NAME) : '';
    startSession(request, response, desk.seal, { role, name });
    options.logger.info({ role, by: name, address }, 'Somebody signed in to the console.');
    response.redirect(303, next);
  });
  router.post('/sign-out', urlencoded({ extended: false, limit: '10kb' }), desk.checkForm, (request, response) => {
    endSession(request, response);
    response.redirect(303, BASE);
  });
  return router;
}

function roleOf({ readToken, operatorToken }: Tokens, open: boolean, token: string): Role {
  if (operatorToken !== undefined && sameText(operatorToken, token)) return 'operator';
  if (readToken !== undefined && sameText(readToken, token)) return 'reader';
  return open && token === '' ? 'operator' : 'nobody';
}
