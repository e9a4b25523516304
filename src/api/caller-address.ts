/** Where a request came from, as far as it can be told. */
import type { Request } from 'express';
import { isLoopback } from './loopback.ts';

/** Networks in which a proxy of one's own stands: RFC 1918, RFC 4193, link-local, carrier-grade NAT. */
const PRIVATE = /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|169\.254\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|f[cd][0-9a-f]{2}:|fe80:)/i;
const ADDRESS = /^[0-9a-f.:]{2,45}$/i;

const plain = (address: string): string => address.replace(/^::ffff:/i, '');

/**
 * The address of the other end, or, when that is a proxy on this machine or in a private network, the one that the proxy has put last into
 * `X-Forwarded-For`. What stands before the last one comes from the sender and may say anything; so does all of it, when a stranger sends it.
 */
export function callerAddress(request: Request): string {
  const peer = plain(request.socket.remoteAddress ?? '');
  if (!isLoopback(peer) && !PRIVATE.test(peer)) return peer;
  const last = (request.get('x-forwarded-for') ?? '').split(',').at(-1)?.trim().replace(/^\[|\](:\d+)?$/g, '') ?? '';
  return ADDRESS.test(last) ? plain(last) : peer;
}
