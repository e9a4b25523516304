/**
 * Who may come in. A door that takes in more than it can decide dies with everything that it holds; one that says so at once keeps
 * what it has, and the sender comes again.
 */
import type { RequestHandler } from 'express';
import type { Metrics } from '../monitoring/metrics.ts';

export interface AdmissionOptions {
  /** Most bytes of bodies that are being read or decided at once. */
  mostBytes: number;
  /** What a body without Content-Length is taken to have. */
  largestBody: number;
  metrics: Metrics;
  refuse: RequestHandler;
}

/** Reserves the room of a body before it is read, and gives it back when the answer is out or the connection is gone. */
export function admit({ mostBytes, largestBody, metrics, refuse }: AdmissionOptions): RequestHandler {
  let held = 0;
  return (request, response, next) => {
    const announced = Number(request.headers['content-length'] ?? largestBody);
    const bytes = Math.min(Number.isFinite(announced) ? announced : largestBody, largestBody);
    if (held + bytes > mostBytes) {
      metrics.shed.inc({ reason: 'memory' });
      void refuse(request, response, next);
      return;
    }
    held += bytes;
    metrics.bodyBytes.set(held);
    response.once('close', () => {
      held -= bytes;
      metrics.bodyBytes.set(held);
    });
    next();
  };
}
