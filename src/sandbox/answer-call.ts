/** What every stand-in does with a call: faults, what it would have answered, and a note of it. */
import { createHash } from 'node:crypto';
import type { Request, Response } from 'express';
import type { Fault, FaultName, Faults } from './faults.ts';
import type { SandboxDestination, SandboxStore } from './store.ts';

export interface Reply {
  status: number;
  body: object | string;
  headers?: Record<string, string>;
}

export interface StandIn {
  store: SandboxStore;
  faults: Faults;
}

/** A call that changes members. */
export interface MemberCall {
  destination: SandboxDestination;
  audience: string;
  action: 'add' | 'remove';
  rows: number;
}

/** How a platform says that something is wrong with every call; undefined when this call does not meet it. */
export type BrokenReplies = Partial<Record<FaultName, (call: MemberCall, ms: number) => Reply | undefined>>;

const GATEWAY_PAGE: Reply = { status: 502, body: '<html><body><h1>502 Bad Gateway</h1></body></html>', headers: { 'content-type': 'text/html' } };

/** Answers, or does not, as the fault of the moment wants it. */
export async function answerCall({ store, faults }: StandIn, response: Response, call: MemberCall, broken: BrokenReplies, work: (fault: Fault | undefined) => Reply): Promise<void> {
  const { destination, audience, action, rows } = call;
  const fault = faults.take(destination.name);
  const noted = { at: new Date().toISOString(), destination: destination.name, audience, action, rows };
  const overRate = store.isOverRate(destination.name) ? broken.rate_limit?.(call, 0) : undefined;
  if (fault?.fault === 'slow_ms') await new Promise((resolve) => setTimeout(resolve, fault.ms));
  if (fault?.fault === 'timeout_before') {
    store.note({ ...noted, answer: null });
    return;
  }
  const reply = fault?.fault === 'malformed' ? GATEWAY_PAGE : (overRate ?? (fault && broken[fault.fault]?.(call, fault.ms)) ?? work(fault));
  const said = fault?.fault === 'unclear' ? { status: 200, body: {} } : reply;
  const unanswered = fault?.fault === 'timeout_applied' || fault?.fault === 'reset_applied';
  store.note({ ...noted, answer: unanswered ? null : reply.status });
  // Applied and never answered: the caller has to find out by itself.
  if (fault?.fault === 'timeout_applied') return;
  if (fault?.fault === 'reset_applied') response.socket?.resetAndDestroy();
  else send(response, said);
}

/** What is wrong with the whole account, as reading it says; undefined when nothing is. */
export function troubleOfReading({ faults }: StandIn, destination: SandboxDestination, broken: BrokenReplies): Reply | undefined {
  const fault = faults.at(destination.name);
  if (fault?.fault === 'malformed') return GATEWAY_PAGE;
  return fault && OF_THE_ACCOUNT.has(fault.fault) ? broken[fault.fault]?.({ destination, audience: '', action: 'add', rows: 0 }, fault.ms) : undefined;
}

const OF_THE_ACCOUNT = new Set<FaultName>(['http_500', 'rate_limit', 'unauthorised', 'no_permission']);

export function send(response: Response, { status, body, headers = {} }: Reply): void {
  response.status(status).set(headers);
  if (typeof body === 'string') response.send(body);
  else response.json(body);
}

/** The destination in the path, when it is one of this platform. */
export function destinationIn(request: Request, store: SandboxStore, platform: string): SandboxDestination | undefined {
  const destination = store.destination(String(request.params['destination']));
  return destination?.platform === platform ? destination : undefined;
}

/** A query parameter that is there once. */
export const queryOf = (request: Request, name: string): string => {
  const value = request.query[name];
  return typeof value === 'string' ? value : '';
};

export const bearerOf = (request: Request): string => request.get('authorization')?.replace(/^Bearer /, '') ?? '';

export const SHA256_HEX = /^[0-9a-f]{64}$/;
/** SHA-256 of the empty text: somebody hashed nothing. */
export const HASH_OF_NOTHING = createHash('sha256').update('').digest('hex');
