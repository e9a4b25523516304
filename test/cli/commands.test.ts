/** The commands as somebody types them, against the stand-ins. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { parseRegistry } from '../../src/config/registry.ts';
import { sandboxDestinations } from '../../src/config/sandbox-destinations.ts';
import { sha256 } from '../../src/destinations/user-data.ts';
import { startSandbox, type Sandbox } from '../../src/sandbox/index.ts';
import { typeCommand, type CommandResult } from '../support/command.ts';

const REGISTRY = `
sources:
  shop: { signing_secret: a-signing-secret-for-tests }
destinations:
  meta_main: { platform: meta, sandbox: true, access_token: a-token-for-tests, ad_account: act_1 }
  google_main: { platform: google, sandbox: true, operating_account: "1234567890" }
  tiktok_main: { platform: tiktok, sandbox: true, access_token: a-token-for-tests, advertiser_id: "7" }
  snap_main: { platform: snap, sandbox: true, ad_account: a, client_id: c, client_secret: s, refresh_token: a-token-for-tests }
exporters:
  warehouse: { platform: bigquery, sandbox: true, project: acme-analytics, dataset: headgate }
audiences:
  cart_7d_v1:
    description: Abandoned a cart
    owner: { name: Tests }
    window: 7d
    targets: { meta_main: "61", google_main: "51", tiktok_main: "71", snap_main: "81" }
  lapsed_30d_v1:
    description: Has not been seen
    owner: { name: Tests }
    window: 30d
`;

let folder: string;
let sandbox: Sandbox;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'headgate-cli-'));
  await writeFile(join(folder, 'headgate.yaml'), REGISTRY);
  sandbox = await startSandbox({ port: 0, destinations: sandboxDestinations(parseRegistry(REGISTRY, 'x', { variables: {}, sandboxAllowed: true })) });
});
afterAll(async () => {
  await sandbox.close();
  await rm(folder, { recursive: true });
});
beforeEach(() => {
  sandbox.store.reset();
});

const headgate = (args: string[], { input = '', environment = {} }: { input?: string; environment?: Record<string, string> } = {}): Promise<CommandResult> =>
  typeCommand(args, { folder, input, environment: { HEADGATE_SANDBOX_URL: sandbox.url, ...environment } });

interface Checked {
  ok: boolean;
  findings: { destination: string; subject: string; level: string; message: string; audience_key?: string }[];
}

describe('headgate check', () => {
  test('says that pushes can work, for each destination and target, and ends with 0', async () => {
    const { status, output } = await headgate(['check']);
    expect(output).toContain('Pushes can work.');
    for (const name of ['meta_main', 'google_main', 'tiktok_main', 'snap_main', 'warehouse']) expect(output).toContain(name);
    expect(output).toContain('dataset acme-analytics.headgate is not there; the export makes it in US');
    expect(output).not.toContain('✗');
    expect(status).toBe(0);
  });
  test('says what is wrong with an audience and what to do, and ends with 1', async () => {
    sandbox.store.say('meta_main', '61', { operation_status: { code: 471, description: 'Flagged.' } });
    sandbox.store.say('google_main', '51', { membershipDuration: '86400s', membershipStatus: 'CLOSED', closingReason: 'UNUSED' });
    sandbox.store.say('tiktok_main', '71', { audience_type: 'Customer File Audience' });
    sandbox.store.say('snap_main', '81', { retention_in_days: 3 });
    const { status, output } = await headgate(['check', '--json']);
    const { ok, findings } = JSON.parse(output) as Checked;
    const problems = findings.filter(({ level }) => level === 'problem').map(({ destination, subject, message, audience_key: key }) => `${destination} ${subject} ${key ?? ''}: ${message}`);
    expect(problems).toEqual([
      expect.stringMatching(/^meta_main audience cart_7d_v1: .*flagged.*Ads Manager/),
      expect.stringMatching(/^google_main audience cart_7d_v1: .*closed, because it was not used.*Open it/),
      expect.stringMatching(/^google_main duration cart_7d_v1: .*after 1d, before the window of 7d ends/),
      expect.stringMatching(/^tiktok_main audience cart_7d_v1: .*Customer File Audience.*headgate target create/),
      expect.stringMatching(/^snap_main duration cart_7d_v1: .*after 3d/),
    ]);
    expect(ok).toBe(false);
    expect(status).toBe(1);
  });
  test.each<[string, Record<string, unknown>, RegExp]>([
    ['a list of device ids', { ingestedUserListInfo: { uploadKeyTypes: ['MOBILE_ID'] } }, /takes MOBILE_ID, not contact data.*CONTACT_ID/],
    ['a list of somebody else', { readOnly: true }, /read-only/],
    ['a list that is disabled', { accountAccessStatus: 'DISABLED' }, /disabled/],
  ])('Google: %s', async (_name, says, words) => {
    sandbox.store.say('google_main', '51', says);
    const { output } = await headgate(['check', '--destination', 'google_main', '--json']);
    expect((JSON.parse(output) as Checked).findings.filter(({ level }) => level === 'problem').map(({ message }) => message)).toEqual([expect.stringMatching(words)]);
  });
  test('can look at one destination only', async () => {
    const { output } = await headgate(['check', '--destination', 'tiktok_main', '--json']);
    expect(new Set((JSON.parse(output) as Checked).findings.map(({ destination }) => destination))).toEqual(new Set(['tiktok_main']));
    expect((await headgate(['check', '--destination', 'nobody'])).errors).toContain('There is no destination nobody in headgate.yaml; it has meta_main, google_main, tiktok_main, snap_main, warehouse.');
  });
  test('says so when nobody answers', async () => {
    const { status, output } = await headgate(['check'], { environment: { HEADGATE_SANDBOX_URL: 'http://127.0.0.1:9' } });
    expect(output).toMatch(/✗ .*meta_main.*credentials/);
    expect(status).toBe(1);
  });
});

test('headgate target create makes an audience once and prints the line for the registry', async () => {
  const create = (destination: string) => headgate(['target', 'create', '--destination', destination, '--audience', 'lapsed_30d_v1']);
  for (const destination of ['meta_main', 'google_main', 'tiktok_main', 'snap_main']) {
    const first = await create(destination);
    expect(first.status).toBe(0);
    const id = /^Made: (\d+)$/m.exec(first.output)?.[1];
    expect(first.output).toContain(`targets: { ${destination}: "${String(id)}" }`);
    expect((await create(destination)).output).toContain(`There is one of this name already: ${String(id)}`);
    expect(sandbox.store.audiencesOf(destination).filter(({ name }) => name === 'Headgate lapsed_30d_v1')).toHaveLength(1);
  }
}, 30_000);

test('what headgate target create prints can be pasted: it loses none of the audience\'s other targets', async () => {
  const { output } = await headgate(['target', 'create', '--destination', 'tiktok_main', '--audience', 'cart_7d_v1']);
  const id = /^Made: (\d+)$/m.exec(output)?.[1];
  expect(output).toContain('instead of 71, whose members stay where they are');
  expect(output).toContain(`    targets: { meta_main: "61", google_main: "51", snap_main: "81", tiktok_main: "${String(id)}" }`);
});

test('an audience without a name is not made', async () => {
  const { status, errors } = await headgate(['target', 'create', '--destination', 'meta_main', '--audience', 'lapsed_30d_v1', '--name', ' ']);
  expect(errors).toContain('must not be blank');
  expect(status).toBe(2);
  expect(sandbox.store.audiencesOf('meta_main')).toHaveLength(1);
});

describe('headgate identifiers', () => {
  test('answers each person with one line, in order, in the platform\'s own types', async () => {
    const people = [
      { email: ' Mary@Example.com ', phone: '(555) 987-6543', first_name: 'Mary', country: 'US' },
      { email: 'not an address', phone: '', customer_id: 42 },
      { profile: { first_name: 'Ada' }, phone: null },
    ];
    const { output, status } = await headgate(['identifiers', '--platform', 'meta'], { input: people.map((one) => JSON.stringify(one)).join('\n') });
    const lines = output.trim().split('\n').map((line) => JSON.parse(line) as object);
    expect(lines).toEqual([
      {
        platform: 'meta',
        identifiers: [
          { type: 'EMAIL', normalised: 'mary@example.com', value: 'f1904cf1a9d73a55fa5de0ac823c4403ded71afd4c3248d00bdcd0866552bb79' },
          { type: 'PHONE', normalised: '15559876543', value: '1ef970831d7963307784fa8688e8fce101a15685d62aa765fed23f3a2c576a4e' },
          { type: 'FN', normalised: 'mary', value: sha256('mary') },
          { type: 'COUNTRY', normalised: 'us', value: sha256('us') },
        ],
        dropped: [],
      },
      { platform: 'meta', identifiers: [{ type: 'EXTERN_ID', normalised: '42', value: '42' }], dropped: [{ field: 'email', reason: 'not an e-mail address' }, { field: 'phone', reason: 'empty' }] },
      { platform: 'meta', identifiers: [{ type: 'FN', normalised: 'ada', value: sha256('ada') }], dropped: [] },
    ]);
    expect(status).toBe(0);
  });
  test('--country says how national phones are read, and nothing of where a person lives', async () => {
    const { output } = await headgate(['identifiers', '--platform', 'meta', '--country', 'US'], { input: '{"phone":"555-987-6543"}\n' });
    expect((JSON.parse(output) as { identifiers: { type: string; normalised: string }[] }).identifiers.map(({ type, normalised }) => [type, normalised])).toEqual([['PHONE', '15559876543']]);
  });
  test('a line that is no person gets its answer too, and the exit status says so', async () => {
    const { output, status } = await headgate(['identifiers', '--platform', 'tiktok'], { input: 'oops\n\n{"email":"ada@example.com"}\n[1]\n' });
    const lines = output.trim().split('\n').map((line) => JSON.parse(line) as { error?: string; identifiers: unknown[] });
    expect(lines.map(({ error, identifiers }) => error ?? identifiers.length)).toEqual(['line 1 is not JSON', 1, 'line 4 is not a JSON object']);
    expect(status).toBe(1);
  });
  test('a platform or country that does not exist is told', async () => {
    expect((await headgate(['identifiers', '--platform', 'meta', '--country', 'xx'])).errors).toContain('ISO 3166-1');
    expect((await headgate(['identifiers', '--platform', 'myspace'])).errors).toContain('There is no platform myspace; there are meta, google, tiktok, snap.');
    expect((await headgate(['identifiers', '--platform', 'meta', '--country', 'USA'])).errors).toContain('ISO 3166-1');
  });
});
