/** What operators do is written down: by the api, by a command that talks to Temporal itself, by a process that starts; and nobody takes it out again. */
import { hostname, userInfo } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { adopt } from '../../src/adopt.ts';
import { AuditLog, type AuditView } from '../../src/api/index.ts';
import { ConfigurationError } from '../../src/config/configuration-error.ts';
import { parseRegistry } from '../../src/config/registry.ts';
import { createLogger } from '../../src/monitoring/logger.ts';
import { Visitor } from '../support/console.ts';
import { runCommand } from '../support/command.ts';
import { REGISTRY, startService, type TestService } from '../support/service.ts';
import { somebody } from '../support/somebody.ts';
import { until } from '../support/until.ts';

const CART = 'high_intent_cart_7d_v1';
const TARGET = `meta_main/${CART}`;
const ADA = 'the-own-token-of-ada';
const ME = `${userInfo().username}@${hostname()}`;

let service: TestService;
beforeAll(async () => {
  service = await startService({ registry: REGISTRY, environment: { HEADGATE_OPERATOR_TOKENS: `ada:${ADA}`, HEADGATE_READ_TOKEN: 'a-read-token-for-tests' } });
});
afterAll(() => service.stop());

async function operate(path: string, body: object, token = ADA): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`${service.url}${path}`, { method: 'POST', headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` }, body: JSON.stringify(body) });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}
async function log(query = ''): Promise<AuditView[]> {
  const response = await fetch(`${service.url}/v1/audit?${query}`, { headers: { authorization: `Bearer ${ADA}` } });
  expect(response.status).toBe(200);
  return ((await response.json()) as { audit: AuditView[] }).audit;
}
const run = (...args: string[]) => runCommand(service, REGISTRY, ...args);

describe('by the api', () => {
  test('what is done in the ledger is written in the same transaction, under the name of the token, whatever the request calls itself', async () => {
    await service.post({ ...somebody().person, audience_key: 'nothing_v1' });
    const [entry] = await service.database.query<{ id: string }>('select id from quarantine order by id desc limit 1');
    const on = `entry ${String(entry?.id)}`;
    expect((await operate(`/v1/quarantine/${String(entry?.id)}/replay`, { by: 'mallory', set: { audience_key: CART, email: 'ada@example.com' }, reason: 'for ada@example.com' })).status).toBe(200);
    const [row] = await log(`on=${encodeURIComponent(on)}`);
    expect(row).toMatchObject({ via: 'api', who: 'ada', credential: 'the token of ada', address: '127.0.0.1', action: 'quarantine.replay', on, outcome: 'done', detail: { entries: 1, corrected: ['audience_key', 'email'] } });
    const [written] = await service.database.query<{ same: boolean }>("select a.xmin::text = q.xmin::text as same from audit a, quarantine q where q.id = $1 and a.outcome = 'done' and a.subject = $2", [entry?.id, on]);
    expect(written?.same).toBe(true);
    expect(JSON.stringify(await service.database.query('select a::text from audit a'))).not.toContain('ada@example.com');
  });

  test('what is refused, and what the ledger knows nothing of, is written down too', async () => {
    expect((await operate('/v1/quarantine/999999/discard', { by: 'ada', reason: 'x' })).status).toBe(404);
    const [refused] = await until(() => log('on=entry%20999999'), (rows) => rows[0]?.outcome === 'refused');
    expect(refused).toMatchObject({ outcome: 'refused', detail: { answer: 404, because: 'x' } });
    expect((await operate('/v1/alerts/test', {})).status).toBe(200);
    expect((await log('action=alert.test'))[0]).toMatchObject({ outcome: 'done', on: 'every owner', detail: { messages: expect.any(Number) as number } });
  });

  test('an erasure leaves the id that stands for nobody then, and no name', async () => {
    const { person } = somebody();
    await service.post(person);
    const begun = await operate('/v1/erasures', { customer_id: person.customer_id, by: 'ada' });
    expect(begun.status).toBe(202);
    expect((await log('action=person.erase'))[0]).toMatchObject({ outcome: 'done', on: (begun.body['person_ids'] as string[])[0], detail: { erasure_id: begun.body['erasure_id'] } });
    expect(JSON.stringify(await service.database.query('select a::text from audit a'))).not.toContain(person.customer_id);
  });

  test('without a token of operators nobody reads it; a query that means nothing is told', async () => {
    const read = (headers: Record<string, string>, query = ''): Promise<Response> => fetch(`${service.url}/v1/audit${query}`, { headers });
    expect([(await read({})).status, (await read({ authorization: 'Bearer a-read-token-for-tests' })).status]).toEqual([401, 401]);
    expect((await read({ authorization: `Bearer ${ADA}` }, '?since=yesterday')).status).toBe(400);
  });
});

test('in the console: signing in and out by the name of the token, a wrong token, a pause with what came of it, and the page that shows all of it', async () => {
  await service.post(somebody().person);
  const console = new Visitor(`${service.url}/console`);
  expect((await console.post('/sign-in', { token: 'nothing that anybody knows' })).status).toBe(401);
  await console.signIn(ADA, 'Mallory');
  expect(await (await console.get('/')).text()).toContain('ada (operator)');
  await until(async () => {
    await console.post(`/targets/${TARGET}/pause`, {}, { from: `/audiences/${CART}` });
    return (await log('action=target.pause'))[0];
  }, (row) => row?.outcome === 'done');
  const page = await (await console.get('/audit')).text();
  expect(page).toContain('paused a target');
  expect(page).toContain('the token of ada');
  await console.post(`/targets/${TARGET}/resume`, {}, { from: `/audiences/${CART}` });
  await console.post('/sign-out', {}, { from: '/' });
  await until(() => log('who=ada'), (rows) => ['sign_in', 'sign_out', 'target.pause', 'target.resume'].every((action) => rows.some((row) => row.action === action && row.outcome === 'done' && row.via === 'console')));
  expect((await until(() => log('action=wrong_token'), (rows) => rows.length > 0))[0]).toMatchObject({ via: 'console', who: 'nobody', on: 'the sign-in of the console', outcome: 'refused' });
});

describe('by the command line', () => {
  test('what goes to Temporal alone is brought by a worker, before and after, under the name of whoever is at the keyboard', async () => {
    expect((await run('pause', '--destination', 'meta_main', '--audience', CART)).status).toBe(0);
    expect((await run('resume', '--destination', 'meta_main', '--audience', CART)).status).toBe(0);
    const ofCommands = async (): Promise<AuditView[]> => (await log(`who=${encodeURIComponent(ME)}`)).filter(({ via }) => via === 'cli');
    const rows = await until(ofCommands, (found) => ['target.pause', 'target.resume'].every((action) => found.some((row) => row.action === action && row.outcome === 'done')));
    expect(rows.find(({ action }) => action === 'target.pause')).toMatchObject({ who: ME, on: TARGET, address: null, detail: { said: expect.any(String) as string } });
    expect((await service.database.query("select 1 from audit where via = 'cli' and outcome = 'begun' and action = 'target.pause'")).length).toBeGreaterThan(0);
  });

  test('what fails says why; a name of a person is left out', async () => {
    const failed = await run('retry', '--destination', 'meta_main', '--audience', 'post_purchase_cross_sell_14d_v1', '--customer-id', 'c_secret');
    const [row] = await until(() => log('action=target.retry'), (found) => found[0] !== undefined && found[0].outcome !== 'begun');
    expect(row).toMatchObject({ outcome: failed.status === 0 ? 'done' : 'failed', detail: { of: 'one person' } });
    expect(JSON.stringify(await service.database.query('select a::text from audit a'))).not.toContain('c_secret');
  });

  test('headgate audit shows it, filtered, and as JSON', async () => {
    const typed = await run('audit', '--on', TARGET, '--limit', '5');
    expect(typed.errors).toContain('HEADGATE_OPERATOR_TOKEN');
    process.env['HEADGATE_OPERATOR_TOKEN'] = ADA;
    try {
      const shown = await run('audit', '--on', TARGET, '--action', 'target.pause');
      expect(shown).toMatchObject({ status: 0, output: expect.stringContaining('paused a target') as string });
      const json = await run('audit', '--since', '-1h', '--who', ME, '--json');
      expect((JSON.parse(json.output) as { audit: AuditView[] }).audit.map(({ who }) => who)).toContain(ME);
      expect((await run('audit', '--until', '-1h')).output).toBe('Nothing was written down.\n');
    } finally {
      delete process.env['HEADGATE_OPERATOR_TOKEN'];
    }
  });
});

test('a process that starts with another headgate.yaml says so, once; one whose registry is refused as well', async () => {
  const before = await log('action=registry.adopt');
  expect(before).toMatchObject([{ via: 'process', who: ME, on: 'headgate.yaml', outcome: 'done', detail: { newAudiences: 2, newTargets: 2 } }]);
  const start = (text: string): Promise<unknown> => adopt(parseRegistry(text, 'headgate.yaml', { variables: {}, sandboxAllowed: true }), service.database.url, createLogger({ level: 'silent', pretty: false })).catch((error: unknown) => error);
  for (let time = 0; time < 2; time++) await start(REGISTRY.replace('window: 14d', 'window: 15d'));
  expect(await log('action=registry.adopt')).toMatchObject([{ outcome: 'done', detail: { movedWindows: 1 } }, { outcome: 'done' }]);
  // Somebody is in the audience that it takes away.
  for (let time = 0; time < 2; time++) expect(await start(REGISTRY.replace(/ {2}high_intent_cart_7d_v1:[^]*(?= {2}post_purchase)/, '').replace('excludes: [high_intent_cart_7d_v1]', 'excludes: []'))).toBeInstanceOf(ConfigurationError);
  expect((await log('action=registry.adopt')).map(({ outcome, detail }) => [outcome, Array.isArray(detail['refusals'])])).toEqual([['refused', true], ['done', false], ['done', false]]);
});

test('what was begun and broken off by a crash leaves a trace', async () => {
  const audit = new AuditLog({ ledger: service.parts.ledger, logger: createLogger({ level: 'silent', pretty: false }) });
  await audit.begin({ via: 'api', who: 'grace', credential: 'a test', address: null }, 'target.pause', { subject: TARGET });
  expect((await log('who=Grace'))[0]).toMatchObject({ outcome: 'begun', on: TARGET });
});

describe('the table', () => {
  const attempt = (text: string): Promise<unknown> => service.database.query(text).then(() => 'done', (error: unknown) => (error as Error).message);
  test('refuses every change and every deletion but of rows that are over a year old', async () => {
    expect(await attempt("update audit set who = 'somebody else'")).toBe('the audit log is only written to: update is refused');
    expect(await attempt('delete from audit')).toBe('the audit log is only written to: delete is refused');
    expect(await attempt('truncate audit')).toBe('the audit log is only written to: truncate is refused');
    const many = (await log('limit=1000')).length;
    await service.parts.ledger.forgetOldAudit(0);
    expect((await log('limit=1000')).length).toBe(many);
    await service.database.query("insert into audit (action_id, via, who, credential, action, subject, outcome, at) values ('old', 'api', 'long ago', 'x', 'target.pause', 'x', 'done', now() - interval '800 days')");
    expect((await log('who=long%20ago')).length).toBe(1);
    await service.parts.ledger.forgetOldAudit(730);
    expect(await log('who=long%20ago')).toEqual([]);
  });
});
