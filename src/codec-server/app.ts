/** The routes of the codec server. Whoever may ask it reads everything, so it asks for a token first, and reads a body only then. */
import express, { type ErrorRequestHandler, type Express, type Request, type RequestHandler } from 'express';
import { isLoopback } from '../api/authorise.ts';
import { sameText } from '../api/verify-signature.ts';
import { EncryptingCodec, UnreadablePayloadError, type Keyring } from '../encryption/index.ts';
import type { Logger } from '../monitoring/logger.ts';
import { readPayloads, writePayloads } from './payloads.ts';
import type { CodecServerSettings } from './settings.ts';

/** A page of a history in base64: payloads are 2 MB at most, and nearly always some kilobytes. */
const LARGEST_BODY = '16mb';
/** As long as Temporal lets them be, with room. */
const LONGEST_NAMESPACE = 1_000;
/** What the Temporal UI sends. */
const HEADERS = 'Content-Type, X-Namespace, Authorization, Authorization-Extras';

export interface CodecAppOptions extends CodecServerSettings {
  keyring: Keyring;
  logger: Logger;
}

/** Puts the routes together; listens nowhere yet. */
export function createCodecApp(options: CodecAppOptions): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.get('/healthz', (_request, response) => void response.json({ status: 'ok' }));
  app.use((_request, response, next) => {
    response.set({ 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff', Vary: 'Origin' });
    next();
  });
  const asked = [sameOrigins(options), authorised(options), express.json({ limit: LARGEST_BODY })];
  for (const doing of ['encode', 'decode'] as const) {
    app.options(`/${doing}`, sameOrigins(options), (_request, response) => void response.status(204).end());
    app.post(`/${doing}`, ...asked, convert(doing, options));
  }
  app.use((request, response) => void response.status(404).json({ problem: `there is no ${request.method} ${request.path.slice(0, 200)} in a codec server: there are POST /decode and POST /encode` }));
  app.use(answerErrors(options));
  return app;
}

/** Pages of the configured UIs only. The CLI sends no origin. */
function sameOrigins({ origins }: CodecAppOptions): RequestHandler {
  return (request, response, next) => {
    const origin = request.get('origin');
    if (origin !== undefined && !origins.has(origin)) {
      response.status(403).json({ problem: 'pages of this origin may not ask: add it to HEADGATE_CODEC_ORIGINS if it is your Temporal UI' });
      return;
    }
    if (origin !== undefined) {
      response.set({ 'Access-Control-Allow-Origin': origin, 'Access-Control-Allow-Credentials': 'true', 'Access-Control-Allow-Methods': 'POST', 'Access-Control-Allow-Headers': HEADERS, 'Access-Control-Max-Age': '600' });
    }
    next();
  };
}

/** A bearer token; without one, whoever is on this machine. */
function authorised({ token, host }: CodecAppOptions): RequestHandler {
  return (request, response, next) => {
    const given = /^Bearer (.+)$/i.exec(request.get('authorization') ?? '')?.[1];
    if (token === undefined ? isLoopback(host) && isFromHere(request) : given !== undefined && sameText(token, given)) {
      next();
      return;
    }
    response.status(401).json({ problem: token === undefined ? 'the codec server answers on this machine only: set HEADGATE_CODEC_TOKEN for others' : 'needs Authorization: Bearer with HEADGATE_CODEC_TOKEN' });
  };
}

/** A proxy speaks for others, and a page may have had its host name pointed at this machine; both show in the headers. */
const isFromHere = (request: Request): boolean => isLoopback(request.hostname) && request.get('x-forwarded-for') === undefined && request.get('forwarded') === undefined;

function convert(doing: 'encode' | 'decode', { keyring, namespace: own, logger }: CodecAppOptions): RequestHandler {
  return async (request, response) => {
    const namespace = request.get('x-namespace') ?? own;
    const read = namespace.length > LONGEST_NAMESPACE ? { problem: 'X-Namespace is too long' } : readPayloads(request.body as unknown);
    if ('problem' in read) {
      response.status(400).json(read);
      return;
    }
    const converted = await new EncryptingCodec(keyring, namespace)[doing](read.payloads);
    // Who read something is worth a line; what they read is not in it.
    logger.info({ namespace, payloads: converted.length, from: request.ip, origin: request.get('origin') }, `Payloads were ${doing}d.`);
    response.json(writePayloads(converted));
  };
}

/** Errors of the body reader carry a status of their own. A payload that cannot be read is the asker's, and says which key is missing. */
function answerErrors({ logger }: CodecAppOptions): ErrorRequestHandler {
  return (error: Error & { status?: number; type?: string }, request, response, next) => {
    if (response.headersSent) {
      next(error);
      return;
    }
    if (error instanceof UnreadablePayloadError) {
      logger.warn({ problem: error.message }, 'A payload could not be decoded.');
      response.status(400).json({ problem: error.message });
      return;
    }
    const { status, type } = error;
    if (status === undefined || status < 400 || status >= 500) {
      logger.error({ err: error, path: request.path }, 'A request failed.');
      response.status(500).json({ problem: 'not available right now' });
      return;
    }
    response.status(status).json({ problem: type === 'entity.too.large' ? `the body is too large (at most ${LARGEST_BODY})` : type === 'entity.parse.failed' ? 'the body is not JSON' : error.message });
  };
}
