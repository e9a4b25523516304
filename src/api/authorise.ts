/** Reading and operating need a token of their own each, except from the same machine to an api that listens on loopback only. */
import type { Request, RequestHandler } from 'express';
import type { AuditLog } from './audit.ts';
import { callerAddress } from './caller-address.ts';
import { isLoopback } from './loopback.ts';
import { credentialOf, tokenOf, type NamedToken } from './operator-tokens.ts';
import { sameText } from './verify-signature.ts';
import type { WrongTokens } from './wrong-tokens.ts';

export { isLoopback } from './loopback.ts';

const VARIABLES = { reading: 'HEADGATE_READ_TOKEN', operating: 'HEADGATE_OPERATOR_TOKEN' } as const;
/** `operating` changes things. */
export type Doing = keyof typeof VARIABLES;

export interface GuardOptions {
  /** What the api listens on. */
  host: string;
  /** Without one nobody reads at an api that others can reach. */
  readToken: string | undefined;
  /** Without one nobody operates an api that others can reach. */
  operatorTokens: readonly NamedToken[];
  /** Where wrong tokens are written down; a worker has none. */
  audit?: AuditLog | undefined;
  /** A right token is never refused for it: a program that has kept an old one shall not lock others out behind the same proxy. */
  wrongTokens?: WrongTokens | undefined;
}

/** Who operates, for what comes behind the guard: `response.locals.caller`. */
export interface Caller {
  /** Null: nobody can tell. */
  name: string | null;
  credential: string;
}

/** Wrong tokens that one address may give in a minute. */
export const MOST_WRONG_TOKENS = 30;

export function authorise(doing: Doing, options: GuardOptions): RequestHandler {
  const variable = VARIABLES[doing];
  return (request, response, next) => {
    const given = /^Bearer (.+)$/i.exec(request.get('authorization') ?? '')?.[1];
    const caller = callerOf(doing, options, request, given);
    if (caller) {
      response.locals['caller'] = caller;
      next();
      return;
    }
    const off = !hasToken(doing, options);
    const address = callerAddress(request);
    if (given !== undefined && !off && !isKnown(options, given)) {
      const waitMs = options.wrongTokens?.waitFor(address) ?? 0;
      if (waitMs > 0) {
        const seconds = Math.ceil(waitMs / 1_000);
        response.status(429).set('Retry-After', String(seconds)).json({ status: 'unauthorised', problem: `too many wrong tokens from this address: try again in ${String(seconds)} seconds, or with the right one at once` });
        return;
      }
      options.wrongTokens?.note(address);
      options.audit?.wrongToken({ via: 'api', address, at: `${request.method} ${request.path}` });
    }
    response.status(401).json({ status: 'unauthorised', problem: off ? `${doing} is off: set ${variable}` : `${doing} needs Authorization: Bearer with ${variable}` });
  };
}

/** A token that opens something else is no guess. */
const isKnown = ({ readToken, operatorTokens }: GuardOptions, given: string): boolean => (readToken !== undefined && sameText(readToken, given)) || tokenOf(operatorTokens, given) !== undefined;

const hasToken = (doing: Doing, { readToken, operatorTokens }: GuardOptions): boolean => (doing === 'reading' ? readToken !== undefined : operatorTokens.length > 0);

function callerOf(doing: Doing, options: GuardOptions, request: Request, given: string | undefined): Caller | undefined {
  if (!hasToken(doing, options)) return isOpen(doing, options, request) ? { name: null, credential: 'none: on this machine' } : undefined;
  if (given === undefined) return undefined;
  if (doing === 'reading') return options.readToken !== undefined && sameText(options.readToken, given) ? { name: null, credential: 'the read token' } : undefined;
  const token = tokenOf(options.operatorTokens, given);
  return token && { name: token.name, credential: credentialOf(token) };
}

/** Whether it needs no token at all: there is none, the api listens on loopback only, and the request comes from this machine. */
export const isOpen = (doing: Doing, options: GuardOptions, request: Request): boolean => !hasToken(doing, options) && isLoopback(options.host) && isFromHere(request);

/**
 * A proxy on this machine (which terminates HTTPS, say) speaks for others; so does a page whose host name was pointed at this
 * machine behind the browser's back, and a page of another site that has the browser post here. All of them show in the headers.
 */
function isFromHere(request: Request): boolean {
  if (!isLoopback(request.hostname) || request.get('x-forwarded-for') !== undefined || request.get('forwarded') !== undefined) return false;
  const origin = request.get('origin');
  return origin === undefined || (URL.canParse(origin) && new URL(origin).host === request.get('host'));
}
