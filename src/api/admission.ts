/**
 * Who may come in. A door that takes in more than it can decide dies with everything that it holds; one that says so at once keeps
 * what it has, and the sender comes again.
 */
import type { Request, RequestHandler } from 'express';
import type { Metrics } from '../monitoring/metrics.ts';

export interface AdmissionOptions {
  /** Most bytes of bodies that are being read or decided at once. */
  mostBytes: number;
  /** What a body without Content-Length is taken to have. */
  largestBody: number;
  /** How long a body may be on its way when others need its room. Milliseconds. */
  patienceMs?: number;
  metrics: Metrics;
  refuse: RequestHandler;
}

/** A webhook comes in one piece. Somebody who announces a thousand large bodies and sends none of them would otherwise keep the door shut. */
const PATIENCE_MS = 2_000;

/** Reserves the room of a body before it is read, and gives it back when the answer is out or the connection is gone. */
export function admit({ mostBytes, largestBody, patienceMs = PATIENCE_MS, metrics, refuse }: AdmissionOptions): RequestHandler {
  let held = 0;
  const hold = (bytes: number): void => {
    held += bytes;
    metrics.bodyBytes.set(held);
  };
  /** Requests whose bodies are not there yet, the oldest first. */
  const arriving = new Map<Request, { since: number; release: () => void }>();
  const dropSlow = (needed: number): void => {
    for (const [slow, { since, release }] of arriving) {
      if (held + needed <= mostBytes || Date.now() - since < patienceMs) return;
      release();
      slow.socket.destroy();
      metrics.shed.inc({ reason: 'slow' });
    }
  };
  return (request, response, next) => {
    const announced = Number(request.headers['content-length'] ?? largestBody);
    const bytes = Math.min(Number.isFinite(announced) ? announced : largestBody, largestBody);
    dropSlow(bytes);
    if (held + bytes > mostBytes) {
      metrics.shed.inc({ reason: 'memory' });
      void refuse(request, response, next);
      return;
    }
    hold(bytes);
    let released = false;
    const release = (): void => {
      arriving.delete(request);
      if (!released) hold(-bytes);
      released = true;
    };
    arriving.set(request, { since: Date.now(), release });
    request.once('end', () => arriving.delete(request));
    response.once('close', release);
    next();
  };
}
