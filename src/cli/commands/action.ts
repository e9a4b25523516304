/** `headgate action list | pause | resume | retry | test`: how the sending to actions stands, and what an operator does about it. */
import type { Command } from 'commander';
import { connectActions } from '../../config/connect-actions.ts';
import type { ActionRequest } from '../../actions/action.ts';
import type { ForwardFields } from '../../domain/forward.ts';
import { answerSaid } from '../answer.ts';
import { audited } from '../audited.ts';
import { harmless } from '../harmless.ts';
import { readApi } from '../headgate-api.ts';
import { loadOwnRegistry, pick, sandboxUrlOf } from '../own-registry.ts';
import { withTemporal } from '../own-temporal.ts';
import { table } from '../table.ts';
import { time } from '../time.ts';

interface ActionAnswer {
  action: string;
  kind: string | null;
  mode: string | null;
  state: string;
  cause: string | null;
  cure: string | null;
  last_success_at: string | null;
  waiting: number;
  oldest_waiting: string | null;
  sent: number;
  refused: number;
  refused_because: string | null;
}

const CHANGES = [
  ['pause', 'Stop sending; what waits is kept, also over restarts.'],
  ['resume', 'Send again, at once.'],
  ['retry', 'Send what the tool refused once more.'],
] as const;

const print = (text: string): void => void process.stdout.write(`${harmless(text)}\n`);

export function addActionCommands(program: Command): void {
  const group = program.command('action').description('Tools that cio.forward events go to: how they stand, pause, resume, a test.');
  group
    .command('list')
    .description('All actions: state, what waits, what was refused and why.')
    .option('--url <url>', 'where Headgate listens')
    .option('--json', 'print JSON')
    .action(list);
  for (const [name, description] of CHANGES) {
    group
      .command(name)
      .description(description)
      .argument('<key>', 'of headgate.yaml')
      .option('--json', 'print JSON')
      .action((key: string, { json }: { json?: boolean }) => change(name, key, json));
  }
  group
    .command('test')
    .description('Send one made-up event to the tool, from here, once. Exit status 1 when the tool does not take it.')
    .argument('<key>', 'of headgate.yaml')
    .option('--customer-id <id>', 'of the made-up event', 'headgate-test')
    .option('--attribute <name=value>', 'of the made-up event; repeatable', collect, {})
    .option('--context <name=value>', 'of the made-up event; repeatable', collect, {})
    .option('--dry-run', 'only show what would be sent')
    .option('--json', 'print JSON')
    .action(test);
}

const collect = (pair: string, collected: Record<string, string>): Record<string, string> => {
  const [name = '', ...value] = pair.split('=');
  return { ...collected, [name]: value.join('=') };
};

async function list({ url, json }: { url?: string; json?: boolean }): Promise<void> {
  const answer = (await readApi('/v1/actions', url)) as { actions: ActionAnswer[] };
  print(json ? JSON.stringify(answer) : describe(answer.actions));
}

const HEAD = ['action', 'kind', 'mode', 'state', 'waiting', 'since', 'sent', 'refused', 'last success', 'what is wrong'];
const WIDE = 60;

function describe(actions: readonly ActionAnswer[]): string {
  if (actions.length === 0) return 'There is no action in headgate.yaml (docs/forward.md).';
  const rows = actions.map((one) => {
    const wrong = one.cause === null ? (one.refused_because === null ? null : `last refused: ${one.refused_because}`) : [one.cause, one.cure].filter(Boolean).join(' → ');
    return [one.action, one.kind ?? 'not in headgate.yaml', one.mode, one.state, one.waiting, one.oldest_waiting && time(one.oldest_waiting), one.sent, one.refused, one.last_success_at && time(one.last_success_at), wrong];
  });
  return table(HEAD, rows, { dense: true, widths: { 'what is wrong': WIDE } });
}

async function change(what: (typeof CHANGES)[number][0], key: string, json: boolean | undefined): Promise<void> {
  const own = await loadOwnRegistry();
  pick('action', key, own.registry.actions);
  answerSaid(json, await withTemporal(own.environment, (gateway) => audited(gateway, { action: `action.${what}`, subject: key }, () => gateway.updateAction(key, what), (said) => ({ said }))), { action: key });
}

interface TestOptions {
  customerId: string;
  attribute: Record<string, string>;
  context: Record<string, string>;
  dryRun?: boolean;
  json?: boolean;
}

async function test(key: string, options: TestOptions): Promise<void> {
  const own = await loadOwnRegistry();
  pick('action', key, own.registry.actions);
  const action = pick('action', key, connectActions(own.registry, sandboxUrlOf(own)));
  const fields = sampleFields(key, [...own.registry.sources.keys()][0] ?? '', options);
  const request = shownRequest(action.request(fields));
  if (options.dryRun) {
    print(options.json ? JSON.stringify({ request }) : describeRequest(request));
    return;
  }
  const { verdict, status, answer } = await action.send(fields, AbortSignal.timeout(action.timeoutMs));
  if (verdict.kind !== 'sent') process.exitCode = 1;
  if (options.json) {
    print(JSON.stringify({ event_id: fields.event_id, verdict: verdict.kind, status, answer, ...(verdict.kind === 'failed' ? { cause: verdict.report.cause, cure: verdict.report.cure } : verdict.kind === 'refused' ? { cause: verdict.reason } : {}), request }));
    return;
  }
  const says = {
    sent: () => `${key} took it (HTTP ${String(status)}).`,
    refused: () => `${key} refused it: ${verdict.kind === 'refused' ? verdict.reason : ''}`,
    failed: () => `${key} did not take it: ${verdict.kind === 'failed' ? [verdict.report.cause, verdict.report.cure].filter(Boolean).join(' → ') : ''}`,
  }[verdict.kind]();
  print(`${describeRequest(request)}\n\n${says}${answer === null || answer === '' ? '' : `\nIt answered: ${answer.slice(0, 500)}`}`);
}

function sampleFields(action: string, source: string, { customerId, attribute, context }: TestOptions): ForwardFields {
  const now = new Date();
  return {
    event_id: `headgate-test-${crypto.randomUUID()}`, event: 'cio.forward', action, source, audience_key: null, timestamp: Math.floor(now.getTime() / 1_000), occurred_at: now.toISOString(), received_at: now.toISOString(),
    person_id: 'p_headgate_test', customer_id: customerId, cio_id: null, email_sha256: null, phone_sha256: null, context: { campaign_name: 'A test of Headgate', ...context }, attributes: attribute,
  };
}

/** Headers that are no secret whatever headgate.yaml says. */
const OPEN_HEADERS = new Set(['content-type', 'idempotency-key', 'webhook-id', 'webhook-timestamp']);

/** Without secrets: tokens stand in headers, and the path of an incoming webhook is one. */
function shownRequest({ method, url, headers, body }: ActionRequest): { method: string; url: string; headers: Record<string, string>; body: unknown } {
  const { origin } = new URL(url);
  return { method, url: `${origin}/…`, headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, OPEN_HEADERS.has(name) ? value : '***'])), body: JSON.parse(body) as unknown };
}

const describeRequest = ({ method, url, headers, body }: ReturnType<typeof shownRequest>): string =>
  [`${method} ${url}`, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`), '', JSON.stringify(body, null, 2)].join('\n');
