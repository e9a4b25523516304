/** Reading and the metrics need a token of their own, except from the same machine to an api that listens on loopback only. */
import type { RequestHandler } from 'express';
import { sameText } from './verify-signature.ts';

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/i;
export const isLoopback = (host: string): boolean => LOOPBACK.test(host);

/**
 * @param host what the api listens on
 * @param token the read token; without one nobody reads an api that others can reach
 */
export function authoriseReading(host: string, token: string | undefined): RequestHandler {
  return (request, response, next) => {
    const given = /^Bearer (.+)$/i.exec(request.get('authorization') ?? '')?.[1];
    const allowed = token === undefined ? isLoopback(host) : given !== undefined && sameText(token, given);
    if (allowed) {
      next();
      return;
    }
    const problem = token === undefined ? 'reading is off: set HEADGATE_READ_TOKEN' : 'reading needs Authorization: Bearer with HEADGATE_READ_TOKEN';
    response.status(401).json({ status: 'unauthorised', problem });
  };
}
