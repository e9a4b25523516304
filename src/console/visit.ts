/** Who is looking, and what they may: from the cookies of a request. A session is signed and ends; nothing of it is kept here. */
import { randomUUID } from 'node:crypto';
import type { Request, Response } from 'express';
import { isOpen, sameText, type AccessOptions } from '../api/index.ts';
import type { Seal } from './seal.ts';
import { BASE } from './words.ts';

/** `operator` may do what `reader` may. */
export type Role = 'nobody' | 'reader' | 'operator';

export interface Session {
  id: string;
  role: 'reader' | 'operator';
  /** What the operator is called; kept with what they do. */
  name: string;
  /** What they signed in with, in words. */
  credential: string;
}

/** A request as the pages see it. */
export interface Visit {
  role: Role;
  session: Session | undefined;
  /** Stands in each form of the page. */
  formToken: string;
  /** What the last action came to, told once. */
  notice: Notice | undefined;
  /** The path with its query, to come back to. */
  here: string;
}

export interface Notice {
  tone: 'good' | 'bad';
  text: string;
}

const SESSION = 'headgate_session';
/** Tells visitors who have not signed in apart, for the tokens of their forms. */
const VISITOR = 'headgate_visitor';
const NOTICE = 'headgate_notice';
const KNOWN = 'headgate_known';
const KNOWN_MS = 90 * 86_400_000;
/** A working day. Milliseconds. */
const SESSION_MS = 10 * 3_600_000;
const NOTICE_MS = 60_000;

function cookieOf(request: Request, name: string): string | undefined {
  for (const pair of (request.get('cookie') ?? '').split(';')) {
    const [key, value] = pair.trim().split('=', 2);
    if (key === name) return value;
  }
  return undefined;
}

/** A proxy that terminates HTTPS says so; where it lies, the cookie is only kept from plain http. */
const isSecure = (request: Request): boolean => request.secure || /^https\b/i.test(request.get('x-forwarded-proto') ?? '');

function setCookie(request: Request, response: Response, name: string, value: string, maxAgeMs: number): void {
  response.append('Set-Cookie', `${name}=${value}; Path=${BASE}; Max-Age=${String(Math.round(maxAgeMs / 1_000))}; HttpOnly; SameSite=Strict${isSecure(request) ? '; Secure' : ''}`);
}

/** Reads who is there. A visitor without any cookie gets one, for the token of the forms. */
export function readVisit(request: Request, response: Response, seal: Seal, access: AccessOptions): Visit {
  const { readToken, operatorTokens } = access;
  const now = Date.now();
  const signedIn = seal.open('session', cookieOf(request, SESSION), now) as Session | undefined;
  // Without a token it was enough to be here, so it has to be still.
  const session = signedIn?.role === 'operator' && operatorTokens.length === 0 && !isOpen('operating', access, request) ? undefined : signedIn;
  const bearer = /^Bearer (.+)$/i.exec(request.get('authorization') ?? '')?.[1];
  const reads = (readToken !== undefined && bearer !== undefined && sameText(readToken, bearer)) || isOpen('reading', access, request);
  let visitor = session?.id ?? (seal.open('visitor', cookieOf(request, VISITOR), now) as string | undefined);
  if (visitor === undefined) {
    visitor = randomUUID();
    // One that the browser kept back is not to be replaced.
    if (!comesFromElsewhere(request)) setCookie(request, response, VISITOR, seal.seal('visitor', visitor, now + SESSION_MS), SESSION_MS);
  }
  const notice = seal.open(`notice of ${visitor}`, cookieOf(request, NOTICE), now) as Notice | undefined;
  return { role: session?.role ?? (reads ? 'reader' : 'nobody'), session, formToken: seal.sign('form', visitor), notice, here: request.originalUrl };
}

export function startSession(request: Request, response: Response, seal: Seal, session: Omit<Session, 'id'>): void {
  const now = Date.now();
  setCookie(request, response, SESSION, seal.seal('session', { id: randomUUID(), ...session } satisfies Session, now + SESSION_MS), SESSION_MS);
  setCookie(request, response, KNOWN, seal.seal('known', randomUUID(), now + KNOWN_MS), KNOWN_MS);
}

/** Of a browser in which somebody signed in before: its wrong tokens are counted apart, so that a guesser behind the same address locks nobody out of it. */
export const knownBrowser = (request: Request, seal: Seal): string | undefined => seal.open('known', cookieOf(request, KNOWN), Date.now()) as string | undefined;

export function endSession(request: Request, response: Response): void {
  setCookie(request, response, SESSION, '', 0);
}

/** Has the next page say something. */
export function leaveNotice(request: Request, response: Response, seal: Seal, visit: Visit, notice: Notice): void {
  const visitor = visit.session?.id ?? (seal.open('visitor', cookieOf(request, VISITOR), Date.now()) as string | undefined);
  if (visitor !== undefined) setCookie(request, response, NOTICE, seal.seal(`notice of ${visitor}`, notice, Date.now() + NOTICE_MS), NOTICE_MS);
}

export function forgetNotice(request: Request, response: Response): void {
  setCookie(request, response, NOTICE, '', 0);
}

/** True for a page of this server's own: what came from elsewhere must not act in the name of whoever is signed in. */
export function isFromOwnPage(request: Request): boolean {
  const site = request.get('sec-fetch-site');
  if (site !== undefined && site !== 'same-origin') return false;
  const origin = request.get('origin');
  if (origin === undefined) return site === 'same-origin';
  const hosts = [request.get('host'), request.get('x-forwarded-host')];
  return URL.canParse(origin) && hosts.includes(new URL(origin).host);
}

/** A link from elsewhere: the browser keeps a strict cookie back, so the page has to be asked for once more, by itself. */
export const comesFromElsewhere = (request: Request): boolean =>
  request.method === 'GET' && request.get('sec-fetch-site') === 'cross-site' && request.get('sec-fetch-mode') === 'navigate';
