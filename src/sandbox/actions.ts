/**
 * Stand-ins for the tools that actions send to: whatever they are, they keep what came, by its id, and answer as their kind does. They check what they can: the
 * signature of Standard Webhooks, a Slack token, a write key. Faults work as at the platforms; `named_invalid` refuses what holds one of the values,
 * `unnamed_invalid` breaks at it.
 */
import { createHmac } from 'node:crypto';
import { Router, text, type Request, type RequestHandler } from 'express';
import { answerCall, type BrokenReplies, type MemberCall, type Reply, type StandIn } from './answer-call.ts';
import { isWrong, type Fault } from './faults.ts';
import type { SandboxDestination } from './store.ts';

/** What came, once for each id that the sender gives its message. */
export interface ReceivedForward {
  /** The sender's id: webhook-id, messageId, or the event id in Slack's metadata; null without one. */
  id: string | null;
  /** ISO 8601, of the first time. */
  at: string;
  times: number;
  method: string;
  path: string;
  headers: Record<string, string>;
  body: unknown;
}

const KEPT = 10_000;
const PREFIX = 'action:';
/** Signatures may be this old. Seconds. */
const TOLERANCE_S = 300;
/** What the stand-in asks for when it throttles. Seconds. */
const RETRY_AFTER_S = 5;
/** Not shown again, although they are those of a sandbox. */
const SECRET_HEADERS = new Set(['authorization']);

export class ReceivedForwards {
  readonly #byAction = new Map<string, ReceivedForward[]>();

  of(action: string): ReceivedForward[] {
    return this.#byAction.get(action) ?? [];
  }

  get counts(): Record<string, number> {
    return Object.fromEntries([...this.#byAction].map(([action, received]) => [action, received.length]));
  }

  keep(action: string, forward: ReceivedForward): void {
    const received = this.of(action);
    const known = forward.id === null ? undefined : received.find(({ id }) => id === forward.id);
    if (known) known.times++;
    else received.push(forward);
    this.#byAction.set(action, received.slice(-KEPT));
  }

  forget(): void {
    this.#byAction.clear();
  }
}

export function actionRoutes(standIn: StandIn, received: ReceivedForwards): Router {
  const router = Router();
  router.get('/_sandbox/forwards/:action', (request, response) => {
    response.json({ forwards: received.of(request.params.action) });
  });
  router.post('/_sandbox/reset', (_request, _response, next) => {
    received.forget();
    next();
  });
  // Before the body is read: others read it in their own way.
  const ours: RequestHandler = (request, _response, next) => {
    next(destinationOf(request) ? undefined : 'route');
  };
  const destinationOf = (request: Request): SandboxDestination | undefined => {
    const destination = standIn.store.destination(String(request.params['destination']));
    return destination?.platform.startsWith(PREFIX) ? destination : undefined;
  };
  router.all('/:destination/*path', ours, text({ type: () => true, limit: '1mb' }), async (request, response) => {
    const destination = destinationOf(request);
    if (!destination) return;
    const call: MemberCall = { destination, audience: '', action: 'add', rows: 1 };
    const body = typeof request.body === 'string' ? request.body : '';
    await answerCall(standIn, response, call, broken, (fault) => whyUnauthorised(request, body, destination) ?? take(request, body, destination, received, fault));
  });
  return router;
}

const kindOf = ({ platform }: SandboxDestination): string => platform.slice(PREFIX.length);
const isBot = ({ settings }: SandboxDestination): boolean => settings['bot_token'] !== undefined;

/** Slack's API says everything with a 200. */
const slackSays = (error: string): Reply => ({ status: 200, body: { ok: false, error } });
const says = (destination: SandboxDestination, status: number, slackApi: string, slackHook: string, other: string): Reply => {
  if (kindOf(destination) !== 'slack') return { status, body: { error: other } };
  return isBot(destination) ? slackSays(slackApi) : { status, body: slackHook };
};

const broken: BrokenReplies = {
  http_500: ({ destination }) => says(destination, 503, 'service_unavailable', 'rollup_error', 'Service Unavailable'),
  rate_limit: (_call, ms) => ({ status: 429, body: { error: 'Too Many Requests' }, headers: { 'retry-after': String(ms > 0 ? ms / 1_000 : RETRY_AFTER_S) } }),
  unauthorised: ({ destination }) => says(destination, 401, 'token_revoked', 'invalid_token', 'the key is not valid'),
  no_permission: ({ destination }) => says(destination, 403, 'missing_scope', 'action_prohibited', 'this is not allowed'),
  needs_person: ({ destination }) => says(destination, 403, 'not_in_channel', 'action_prohibited', 'an agreement was not accepted'),
  misconfigured: ({ destination }) => (kindOf(destination) === 'http' ? { status: 301, body: '', headers: { location: 'https://moved.example/' } } : says(destination, 404, 'channel_not_found', 'no_service', 'not found')),
};

function whyUnauthorised(request: Request, body: string, { platform, settings }: SandboxDestination): Reply | undefined {
  const given = request.get('authorization') ?? '';
  const refuse = (error: string): Reply => ({ status: 401, body: { error } });
  switch (platform.slice(PREFIX.length)) {
    case 'slack':
      return typeof settings['bot_token'] === 'string' && given !== `Bearer ${settings['bot_token']}` ? slackSays('invalid_auth') : undefined;
    case 'segment':
      return Buffer.from(given.replace(/^Basic /, ''), 'base64').toString() === `${settings['write_key'] as string}:` ? undefined : refuse('invalid write key');
    default: {
      const secrets = (settings['signing_secret'] as string[] | undefined) ?? [];
      return secrets.length === 0 || secrets.some((secret) => isSigned(request, body, secret)) ? undefined : refuse('the signature does not match');
    }
  }
}

/** https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md (read 2026-11) */
function isSigned(request: Request, body: string, secret: string): boolean {
  const [id = '', timestamp = '', signatures = ''] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) => request.get(name));
  if (Math.abs(Date.now() / 1_000 - Number(timestamp)) > TOLERANCE_S) return false;
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  return signatures.split(' ').includes(`v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`);
}

function take(request: Request, body: string, destination: SandboxDestination, received: ReceivedForwards, fault: Fault | undefined): Reply {
  const json = parsed(body);
  if (typeof json !== 'object' || json === null) return says(destination, 400, 'invalid_json', 'invalid_payload', 'the body is not JSON');
  if (isWrong(fault, 'named_invalid', json)) return says(destination, 422, 'invalid_blocks', 'invalid_payload', 'this is not accepted');
  if (isWrong(fault, 'unnamed_invalid', json)) return says(destination, 500, 'internal_error', 'rollup_error', 'Internal Server Error');
  const fields = json as { messageId?: string; metadata?: { event_payload?: { event_id?: string } } };
  const id = request.get('webhook-id') ?? fields.messageId ?? fields.metadata?.event_payload?.event_id ?? null;
  const headers = Object.fromEntries(Object.entries(request.headers).flatMap(([name, value]): [string, string][] => (typeof value === 'string' && !SECRET_HEADERS.has(name) ? [[name, value]] : [])));
  received.keep(destination.name, { id, at: new Date().toISOString(), times: 1, method: request.method, path: request.url.replace(`/${destination.name}`, ''), headers, body: json });
  switch (kindOf(destination)) {
    case 'slack':
      return isBot(destination) ? { status: 200, body: { ok: true, channel: 'C0SANDBOX', ts: (Date.now() / 1_000).toFixed(6) } } : { status: 200, body: 'ok' };
    case 'segment':
      return { status: 200, body: { success: true } };
    default:
      return { status: 202, body: { accepted: id } };
  }
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
