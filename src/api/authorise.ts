/** Reading and operating need a token of their own each, except from the same machine to an api that listens on loopback only. */
import type { Request, RequestHandler } from 'express';
import { sameText } from './verify-signature.ts';

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/i;
export const isLoopback = (host: string): boolean => LOOPBACK.test(host);

const VARIABLES = { reading: 'HEADGATE_READ_TOKEN', operating: 'HEADGATE_OPERATOR_TOKEN' } as const;

/**
 * @param doing `operating` changes things
 * @param host what the api listens on
 * @param token the token for it; without one nobody does it at an api that others can reach
 */
export function authorise(doing: keyof typeof VARIABLES, host: string, token: string | undefined): RequestHandler {
  const variable = VARIABLES[doing];
  return (request, response, next) => {
    const given = /^Bearer (.+)$/i.exec(request.get('authorization') ?? '')?.[1];
    const allowed = token === undefined ? isOpen(doing, host, token, request) : given !== undefined && sameText(token, given);
    if (allowed) {
      next();
      return;
    }
    const problem = token === undefined ? `${doing} is off: set ${variable}` : `${doing} needs Authorization: Bearer with ${variable}`;
    response.status(401).json({ status: 'unauthorised', problem });
  };
}

/** Whether it needs no token at all: there is none, and the api listens on loopback only. */
export const isOpen = (doing: keyof typeof VARIABLES, host: string, token: string | undefined, request: Request): boolean =>
  token === undefined && isLoopback(host) && (doing === 'reading' || isFromHere(request));

/**
 * A proxy on this machine (which terminates HTTPS, say) speaks for others; so does a page whose host name was pointed at this
 * machine behind the browser's back. Both show in the headers.
 */
const isFromHere = (request: Request): boolean => isLoopback(request.hostname) && request.get('x-forwarded-for') === undefined && request.get('forwarded') === undefined;
