/** What every route of the console goes by: who is there, what they may, how a page is sent. */
import type { Request, RequestHandler, Response } from 'express';
import { auditedBy, callerAddress, isOpen, sameText, type Audited, type Described } from '../api/index.ts';
import type { Actor, AuditAction } from '../domain/audit.ts';
import { html } from './html.ts';
import type { ConsoleOptions } from './options.ts';
import { askAgain, frame, type Page } from './page.ts';
import type { Seal } from './seal.ts';
import { signInPage } from './sign-in-page.ts';
import { comesFromElsewhere, forgetNotice, isFromOwnPage, leaveNotice, readVisit, type Notice, type Role, type Visit } from './visit.ts';
import { BASE, RUNBOOK } from './words.ts';

const RANK: Record<Role, number> = { nobody: 0, reader: 1, operator: 2 };

/** Where to go after signing in: a page of the console, whatever was asked for. */
export function ofThisConsole(next: unknown): string {
  if (typeof next !== 'string' || !URL.canParse(next, 'http://here')) return BASE;
  const { origin, pathname, search } = new URL(next, 'http://here');
  return origin === 'http://here' && (pathname === BASE || pathname.startsWith(`${BASE}/`)) && !pathname.startsWith(`${BASE}/sign-`) ? `${pathname}${search}` : BASE;
}

export class Desk {
  readonly #options: ConsoleOptions;
  readonly seal: Seal;

  constructor(options: ConsoleOptions, seal: Seal) {
    this.#options = options;
    this.seal = seal;
  }

  /** Reads who is there, before anything else. */
  readonly receive: RequestHandler = (request, response, next) => {
    // Asking once more would lose the section that a link into the runbook names, and that page asks nobody who they are.
    if (comesFromElsewhere(request) && request.originalUrl !== RUNBOOK) {
      response.type('html').send(askAgain(request.originalUrl).text);
      return;
    }
    response.locals['visit'] = readVisit(request, response, this.seal, this.#options);
    next();
  };

  visit(response: Response): Visit {
    return response.locals['visit'] as Visit;
  }

  send(response: Response, page: Page): void {
    const visit = this.visit(response);
    if (visit.notice) forgetNotice(response.req, response);
    response.status(page.status ?? 200).type('html').send(frame(page, visit, this.#options.temporalUi).text);
  }

  /** A page for whoever has this role or more; the others are asked to sign in. */
  page(role: Role, make: (request: Request, visit: Visit) => Page | Promise<Page>): RequestHandler[] {
    return [
      this.require(role),
      async (request, response) => {
        this.send(response, await make(request, this.visit(response)));
      },
    ];
  }

  require(role: Role): RequestHandler {
    return (request, response, next) => {
      const visit = this.visit(response);
      if (RANK[visit.role] >= RANK[role]) {
        next();
        return;
      }
      const open = isOpen('operating', this.#options, request);
      const back = request.method === 'GET' ? request.originalUrl : BASE;
      const problem = visit.role === 'nobody' ? undefined : 'Only operators may do this: sign in with the operator token.';
      this.send(response, { ...signInPage(this.#options, visit, ofThisConsole(back), open, problem), status: visit.role === 'nobody' ? 401 : 403 });
    };
  }

  /** Lets a request through that comes from a form of a page that this visitor was sent. */
  readonly checkForm: RequestHandler = (request, response, next) => {
    const given = (request.body as { form_token?: unknown } | undefined)?.form_token ?? request.get('x-form-token');
    if (isFromOwnPage(request) && typeof given === 'string' && sameText(this.visit(response).formToken, given)) {
      next();
      return;
    }
    this.send(response, { title: 'Not done', status: 403, body: html`<p>This form was not sent by a page of this console, or the page is too old. Open the page again and repeat it.</p><p><a href="${BASE}">To the overview</a></p>` });
  };

  /** Writes down what a form is about to do, and what came of it (docs/audit.md). To stand behind `checkForm`. */
  audited(action: AuditAction | ((request: Request) => AuditAction | undefined), describe: (request: Request) => Described): RequestHandler {
    return auditedBy(this.#options.audit, (request, response) => this.actor(request, response), action, describe);
  }

  /** Who acts, for the audit log. */
  actor(request: Request, response: Response): Actor {
    const { session } = this.visit(response);
    return { via: 'console', who: session === undefined || session.name === '' ? 'somebody' : session.name, credential: session?.credential ?? 'none', address: callerAddress(request) };
  }

  /** Back to a page, which says what came of it. */
  answer(request: Request, response: Response, path: string, notice: Notice): void {
    if (notice.tone === 'bad') (response.locals['audited'] as Audited | undefined)?.notDone(notice.text);
    leaveNotice(request, response, this.seal, this.visit(response), notice);
    response.redirect(303, path);
  }
}
