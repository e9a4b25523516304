/** Every command against a running service: with --json its output parses, and its exit status is the documented one. In this process, because there are many. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { EXIT } from '../../src/cli/exit-codes.ts';
import { commandsOf } from '../../src/cli/guide.ts';
import { createProgram } from '../../src/cli/main.ts';
import { withTemporal } from '../../src/cli/own-temporal.ts';
import { readEnvironment } from '../../src/config/environment.ts';
import { typeCommand, type CommandResult } from '../support/command.ts';
import { SECRET, startService, type TestService } from '../support/service.ts';
import { until } from '../support/until.ts';

const CART = 'high_intent_cart_7d_v1';
const TARGET = ['--destination', 'meta_main', '--audience', CART];
const TOKENS = { HEADGATE_READ_TOKEN: 'a-read-token-for-tests', HEADGATE_OPERATOR_TOKEN: 'an-operator-token-for-tests' };
const REGISTRY = `
sources:
  demo: { signing_secret: ${SECRET} }
destinations:
  meta_main: { platform: meta, sandbox: true, access_token: a-token-for-tests, ad_account: act_1, timeout: 2s }
exporters:
  warehouse: { platform: bigquery, sandbox: true, project: acme-analytics, dataset: headgate, every: 200ms, timeout: 2s }
actions:
  ops_slack: { kind: slack, sandbox: true, webhook_url: https://hooks.slack.com/services/T0000/B0000/sandbox, text: "{{ customer_id }} left a cart" }
audiences:
  ${CART}: { description: Abandoned a cart, owner: { name: Tests }, window: 7d, targets: { meta_main: "61" } }
  lapsed_30d_v1: { description: Has not been seen, owner: { name: Tests }, window: 30d }
`;

let folder: string;
let service: TestService;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'headgate-commands-'));
  await writeFile(join(folder, 'headgate.yaml'), REGISTRY);
  await writeFile(join(folder, 'rows.ndjson'), '{"event_id":"imported-1","object_type":"email","metric":"opened","timestamp":1764000000,"data":{"identifiers":{"id":"c_1"}}}\n');
  service = await startService({ registry: REGISTRY, environment: TOKENS });
  const environment = { HEADGATE_CONFIG: join(folder, 'headgate.yaml'), HEADGATE_DATA: folder, HEADGATE_URL: service.url, HEADGATE_SANDBOX_URL: service.sandbox.url, TEMPORAL_ADDRESS: service.temporal.address, ...TOKENS };
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  await run('send', 'add', '--audience', CART, '--customer-id', 'c_1', '--event-id', 'sent-1');
  await run('send', 'add', '--audience', 'typo_v1', '--customer-id', 'c_1');
  await until(() => run('export', 'status', 'warehouse'), ({ status }) => status === 0, 60_000);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await service.stop();
  await rm(folder, { recursive: true });
});
const run = (...args: string[]): Promise<CommandResult> => typeCommand(args);

/** `start` and `codec-server` are services of their own, and there is no alert to look after. */
const ELSEWHERE = ['start', 'codec-server', 'alerts ack'];
/** Owners without a channel: a problem is found, and told on standard output. */
const FINDS_PROBLEMS = ['alerts test'];
/** By path: how it is typed, in this order. */
const TYPED: Record<string, () => string[]> = {
  send: () => ['add', '--audience', CART, '--customer-id', 'c_2'],
  event: () => ['sent-1'],
  person: () => ['--customer-id', 'c_1'],
  audience: () => [CART],
  audiences: () => [],
  check: () => [],
  drift: () => [],
  reconcile: () => ['--dry-run'],
  release: () => [CART],
  alerts: () => [],
  audit: () => ['--since', '-1h'],
  'alerts mute': () => ['source_silent', '--for', '1h'],
  'alerts test': () => [],
  'quarantine list': () => [],
  'quarantine show': () => ['1'],
  'quarantine discard': () => ['--all', '--reason', 'a test', '--dry-run'],
  'quarantine replay': () => ['1', '--set', `audience_key=${CART}`],
  pause: () => TARGET,
  resume: () => TARGET,
  stuck: () => [],
  'push-now': () => TARGET,
  retry: () => TARGET,
  resync: () => [CART, '--verify'],
  template: () => ['--event', 'cio.forward', '--action', 'ops_slack'],
  'action list': () => [],
  'action pause': () => ['ops_slack'],
  'action resume': () => ['ops_slack'],
  'action retry': () => ['ops_slack'],
  'action test': () => ['ops_slack'],
  'target create': () => ['--destination', 'meta_main', '--audience', 'lapsed_30d_v1'],
  'audience rewindow': () => [CART, '--dry-run'],
  'target retire': () => [...TARGET, '--keep'],
  'target adopt': () => TARGET,
  'audience retire': () => ['lapsed_30d_v1'],
  'audience adopt': () => ['lapsed_30d_v1'],
  identifiers: () => ['--platform', 'meta'],
  'export exposures': () => ['--since', '-1d', '--format', 'ndjson', '--out', join(folder, 'exposures')],
  'export status': () => [],
  'export pause': () => ['warehouse'],
  'export resume': () => ['warehouse'],
  'export retry': () => ['warehouse'],
  'export restart': () => ['warehouse'],
  'import exposures': () => [join(folder, 'rows.ndjson'), '--source', 'demo'],
  'person erase': () => ['--customer-id', 'c_2', '--anyway'],
  'encryption new-key': () => [],
  'encryption status': () => ['--since', '-1d'],
  'encryption renew': () => ['--since', '-1d'],
  'workflow list': () => [],
  'workflow new': () => ['refund-watch', '--folder', join(folder, 'workflows')],
  completion: () => ['bash'],
};

test('every command is typed here', () => {
  const doing = commandsOf(createProgram()).filter(({ command }) => command.commands.length === 0 || command.options.length > 0).map(({ path }) => path);
  expect(doing.filter((path) => !ELSEWHERE.includes(path) && TYPED[path] === undefined)).toEqual([]);
});

test.each(Object.entries(TYPED))('headgate %s --json', async (path, typed) => {
  const { status, output, errors } = await typeCommand([...path.split(' '), ...typed(), '--json'], { input: '{"email":"ada@example.com"}\n' });
  expect({ status, errors }).toEqual({ status: FINDS_PROBLEMS.includes(path) ? EXIT.failed : EXIT.ok, errors: '' });
  const lines = output.trim().split('\n');
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] ?? '')).toBeTypeOf('object');
});

describe('exit status', () => {
  test.each<[string, string[], number, RegExp]>([
    ['something does not exist', ['event', 'nothing'], EXIT.failed, /^The ledger knows no event nothing\.$/],
    ['an audience does not exist, and another one is meant', ['audience', 'high_intent_cart_v1'], EXIT.failed, new RegExp(`There is no audience high_intent_cart_v1.*Did you mean ${CART}\\? There are ${CART}, lapsed_30d_v1`)],
    ['a target does not exist', ['pause', '--destination', 'meta', '--audience', CART], EXIT.failed, /There is no destination meta in headgate\.yaml; it has meta_main\. Did you mean meta_main\?/],
    ['an event is refused', ['send', 'add', '--audience', 'typo_v1', '--customer-id', 'c_1'], EXIT.failed, /^$/],
    ['a command is misspelt', ['audiense', CART], EXIT.usage, /unknown command 'audiense'\n\(Did you mean .*audience/],
    ['an option is misspelt', ['audience', CART, '--hold'], EXIT.usage, /Did you mean --held/],
    ['nobody is named', ['person'], EXIT.usage, /exactly one of --customer-id, --email, --cio-id and --person-id/],
    ['an address is none', ['audiences', '--url', 'nonsense'], EXIT.usage, /--url nonsense is no address: it looks like http/],
    ['nothing is asked', [], EXIT.usage, /First steps/],
    ['nobody answers', ['audiences', '--url', 'http://127.0.0.1:9'], EXIT.unreachable, /No Headgate answers at http:\/\/127\.0\.0\.1:9: start it/],
  ])('%s', async (_what, args, status, words) => {
    const ran = await run(...args);
    expect(ran.errors.trim()).toMatch(words);
    expect(ran.status).toBe(status);
  });

  test('a wrong token', async () => {
    vi.stubEnv('HEADGATE_READ_TOKEN', 'another');
    const ran = await run('audiences');
    vi.stubEnv('HEADGATE_READ_TOKEN', TOKENS.HEADGATE_READ_TOKEN);
    expect(ran).toMatchObject({ status: EXIT.unauthorised, output: '', errors: 'Reading needs Authorization: Bearer with HEADGATE_READ_TOKEN.\n' });
  });

  test('no Temporal', async () => {
    // What the gateway says after ten seconds of waiting.
    const silent = (): Promise<never> => Promise.reject(new Error('Temporal did not answer within 10000 ms'));
    await expect(withTemporal(readEnvironment({ TEMPORAL_ADDRESS: '127.0.0.1:9' }), silent)).rejects.toMatchObject({
      status: EXIT.unreachable,
      message: 'Temporal at 127.0.0.1:9 does not answer, or no worker does: start Headgate (npm start), or set TEMPORAL_ADDRESS.',
    });
    const broken = (): Promise<never> => Promise.reject(new Error('the registry is another one'));
    await expect(withTemporal(readEnvironment({ TEMPORAL_ADDRESS: '127.0.0.1:9' }), broken)).rejects.toThrow('another one');
  });

  test('with --json the problem is JSON, on standard error', async () => {
    const { status, output, errors } = await run('event', 'nothing', '--json');
    expect({ status, output, problem: JSON.parse(errors) as unknown }).toEqual({ status: EXIT.failed, output: '', problem: { problem: 'The ledger knows no event nothing.' } });
  });

  test('help and version are no mistakes', async () => {
    expect(await run('--version')).toMatchObject({ status: EXIT.ok, output: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) as string, errors: '' });
    expect(await run('quarantine', 'replay', '--help')).toMatchObject({ status: EXIT.ok, errors: '' });
  });
});
