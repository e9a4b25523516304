/** `headgate send`: a webhook as Customer.io would post it, of an action or of its reporting feed, signed with the source's secret. */
import { Argument, type Command } from 'commander';
import { sign } from '../../api/index.ts';
import type { Source } from '../../config/registry.ts';
import { harmless, harmlessJson } from '../harmless.ts';
import { apiUrl, ask } from '../headgate-api.ts';
import { loadOwnRegistry, pick, type OwnRegistry } from '../own-registry.ts';
import { readTime } from '../time.ts';

interface SendOptions {
  audience?: string;
  action?: string;
  metric: string;
  exposure?: string;
  email?: string;
  customerId?: string;
  cioId?: string;
  phone?: string;
  at?: string;
  eventId?: string;
  event?: string;
  source?: string;
  context: Record<string, string>;
  attribute: Record<string, string>;
  url?: string;
  json?: boolean;
}

const KINDS = { add: 'cio.audience_add', remove: 'cio.audience_remove', exposure: 'cio.exposure', forward: 'cio.forward', report: 'cio.report' } as const;
/** Of a workflow type. */
const OWN_EVENT = 'event';

const collect = (pair: string, collected: Record<string, string>): Record<string, string> => {
  const [name = '', ...value] = pair.split('=');
  return { ...collected, [name]: value.join('=') };
};

export function addSendCommand(program: Command): void {
  program
    .command('send')
    .description('Sign and post a webhook, as Customer.io would.')
    .addArgument(new Argument('<kind>', 'what happened').choices([...Object.keys(KINDS), OWN_EVENT]))
    .option('--audience <key>', 'the audience')
    .option('--action <key>', 'of a forward: the action that it goes to')
    .option('--event <name>', 'of an event: that of a workflow type (default: the only one)')
    .option('--metric <channel.metric>', 'of a report: what happened', 'email.sent')
    .option('--exposure <name>', 'of an exposure: what you call it, such as journey_entered')
    .option('--email <address>', 'the person by e-mail')
    .option('--customer-id <id>', 'the person by your own id')
    .option('--cio-id <id>', "the person by Customer.io's id")
    .option('--phone <number>', "the person's phone with its country code")
    .option('--at <time>', 'when it happened: ISO 8601, Unix seconds, or a time back such as -7d (default: now)')
    .option('--event-id <id>', 'the event_id (default: a new one)')
    .option('--source <name>', 'the source (default: the only one)')
    .option('--context <name=value>', 'campaign context; of a report, fields of its data such as campaign_id; repeatable', collect, {})
    .option('--attribute <name=value>', 'attributes; repeatable. Of an event, those that are not given are as in the example of its type', collect, {})
    .option('--url <url>', 'where Headgate listens')
    .option('--json', 'print the answer as JSON')
    .action(send);
}

async function send(kind: string, options: SendOptions): Promise<void> {
  const own = await loadOwnRegistry();
  const source = findSource(own, options.source);
  const isReport = kind === 'report';
  const body = JSON.stringify(isReport ? reportBody(options) : kind === OWN_EVENT ? ownEventBody(own, options) : actionBody(KINDS[kind as keyof typeof KINDS], options, options.attribute));
  const { status, body: answer } = await ask(`${apiUrl(own.environment, options.url)}/v1/webhooks/${source.name}${isReport ? '/reporting' : ''}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...credentials(source, isReport ? source.reportingSecrets : source.signingSecrets, body) },
    body,
  });
  if (status >= 300) process.exitCode = 1;
  process.stdout.write(options.json ? `${harmlessJson(answer)}\n` : `${harmless(describeAnswer(status, answer))}\n`);
}

const timestampOf = ({ at }: SendOptions): number => (at === undefined ? Date.now() : readTime('--at', at)) / 1_000;

/** As a webhook action posts it (docs/webhooks.md). */
const actionBody = (event: string, options: SendOptions, attributes: object): object => ({
  schema_version: 1,
  event_id: options.eventId ?? crypto.randomUUID(),
  event,
  audience_key: options.audience,
  exposure: options.exposure,
  action: options.action,
  timestamp: timestampOf(options),
  customer_id: options.customerId,
  cio_id: options.cioId,
  email: options.email,
  phone: options.phone,
  context: options.context,
  attributes,
});

/** Of a workflow type. Attributes are read as JSON, unless its schema says that they are text. */
function ownEventBody({ registry: { types } }: OwnRegistry, options: SendOptions): object {
  const byEvent = new Map(types.map((type) => [type.event, type]));
  if (options.event === undefined && types.length !== 1) throw new Error(`Say --event: ${[...byEvent.keys()].join(', ') || 'there are no workflow types (headgate workflow new NAME makes one)'}.`);
  const type = pick('workflow type for the event', options.event ?? types[0]?.event ?? '', byEvent);
  const properties = (type.jsonSchema['properties'] ?? {}) as Record<string, { type?: unknown } | undefined>;
  const given = Object.entries(options.attribute).map(([name, value]): [string, unknown] => [name, properties[name]?.type === 'string' ? value : readJson(value)]);
  return actionBody(type.event, options, { ...type.example, ...Object.fromEntries(given) });
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** As the reporting feed posts it (docs/reporting.md). */
function reportBody(options: SendOptions): object {
  const [channel, ...metric] = options.metric.split('.');
  const { customerId: id = null, email = null, cioId } = options;
  return {
    event_id: options.eventId ?? crypto.randomUUID(),
    object_type: channel,
    metric: metric.join('.'),
    timestamp: Math.floor(timestampOf(options)),
    data: { identifiers: { id, email, ...(cioId === undefined ? {} : { cio_id: cioId }) }, ...options.context },
  };
}

export function findSource({ registry: { sources }, path }: OwnRegistry, wanted: string | undefined): Source {
  const [first, ...others] = sources.values();
  const source = wanted === undefined ? first : sources.get(wanted);
  if (!source) throw new Error(`There is no source ${wanted ?? ''} in ${path}; it has ${[...sources.keys()].join(', ')}.`);
  if (wanted === undefined && others.length > 0) throw new Error(`Say --source: ${path} has ${[...sources.keys()].join(', ')}.`);
  return source;
}

export function credentials(source: Source, [secret]: readonly string[], body: string): Record<string, string> {
  if (secret === undefined) return { authorization: `Bearer ${source.bearerTokens[0] ?? ''}` };
  const timestamp = String(Math.floor(Date.now() / 1_000));
  return { 'x-cio-timestamp': timestamp, 'x-cio-signature': sign(secret, timestamp, body) };
}

function describeAnswer(status: number, answer: unknown): string {
  if (typeof answer !== 'object' || answer === null) return `${String(status)} ${String(answer)}`;
  const fields = Object.entries(answer).filter(([key]) => key !== 'problems');
  const problems = (answer as { problems?: { path: string; message: string }[] }).problems ?? [];
  const lines = [`${String(status)} ${fields.map(([key, value]) => `${key}: ${String(value)}`).join('  ')}`];
  for (const { path, message } of problems) lines.push(`  - ${path === '' ? '' : `${path}: `}${message}`);
  const eventId = (answer as { event_id?: unknown }).event_id;
  if (status < 300 && typeof eventId === 'string' && eventId !== 'unsent') lines.push(`Look at it: npx headgate event ${eventId}`);
  return lines.join('\n');
}
