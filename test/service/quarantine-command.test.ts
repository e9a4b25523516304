/** `headgate quarantine` as somebody types it, against a running Headgate. */
import { userInfo } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startApi } from '../../src/wiring.ts';
import { typeCommand, type CommandResult } from '../support/command.ts';
import { startService, type TestService } from '../support/service.ts';
import { somebody } from '../support/somebody.ts';

const CART = 'high_intent_cart_7d_v1';
let service: TestService;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.stop());

const headgate = (args: string[], { input = '', environment = {}, url = service.url }: { input?: string; environment?: Record<string, string>; url?: string } = {}): Promise<CommandResult> =>
  typeCommand(['quarantine', ...args, ...(args.includes('--help') ? [] : ['--url', url])], { environment, input });

/** Posts a body that is refused, and returns the id of its entry. */
async function refused(body: Record<string, unknown>, status = 422): Promise<string> {
  expect((await service.post(body)).status).toBe(status);
  const [row] = await service.database.query<{ id: string }>('select id from quarantine order by id desc limit 1');
  return String(row?.id);
}
const resolutionOf = async (id: string): Promise<unknown> => (await service.database.query('select resolution, resolved_by, resolved_because from quarantine where id = $1', [id]))[0];

test('from the list to the reason to the replay', async () => {
  const { person, hash } = somebody();
  const id = await refused({ ...person, audience_key: 'typo_v1', event_id: 'from-the-list' });
  const listed = await headgate(['list', '--audience', 'typo_v1']);
  expect(listed.output).toMatch(new RegExp(`${id}.*cio\\.audience_add.*typo_v1.*audience_key: "typo_v1" is not an`));
  expect(listed.output).toContain(`1 of 1. One of them in full: npx headgate quarantine show ${id}`);

  const shown = await headgate(['show', id]);
  expect(shown.output).toContain('What is wrong with it now\n  - audience_key: "typo_v1" is not an audience of headgate.yaml');
  expect(shown.output).toContain(`npx headgate quarantine replay ${id} --set NAME=VALUE`);
  expect(shown.output).toContain(person.customer_id);
  expect(shown.output).toContain('meta: ');
  expect(shown.output).not.toContain(person.email);

  const still = await headgate(['replay', id]);
  expect(still).toMatchObject({ status: 1, output: `${id}  still invalid, so it stays\n  - audience_key: "typo_v1" is not an audience of headgate.yaml\n` });
  const replayed = await headgate(['replay', id, '--set', `audience_key=${CART}`, '--reason', 'a typing mistake']);
  expect(replayed).toMatchObject({ status: 0, errors: '', output: expect.stringMatching(`^${id}  replayed, applied: in until .* UTC\nLook at it: npx headgate event from-the-list\n$`) as string });
  expect(await resolutionOf(id)).toEqual({ resolution: 'replayed: applied', resolved_by: userInfo().username, resolved_because: 'a typing mistake' });
  expect((await service.read(`/v1/people?email=${encodeURIComponent(person.email)}`)).body).toMatchObject({ people: [{ email_hashes: [hash] }] });

  const again = await headgate(['replay', id]);
  expect(again).toMatchObject({ status: 1, output: expect.stringContaining('it was resolved at') as string });
  expect((await headgate(['list', '--audience', 'typo_v1'])).output).toBe('Nothing in quarantine matches.\n');
  expect((await headgate(['list', '--audience', 'typo_v1', '--state', 'resolved'])).output).toContain('replayed: applied');
});

test('the body is printed, corrected and given back, by a pipe', async () => {
  const { person } = somebody();
  const id = await refused({ ...person, timestamp: 'soon', context: { campaign_name: 'Cart' } });
  const { output } = await headgate(['show', id, '--body']);
  const body = JSON.parse(output) as Record<string, unknown>;
  expect(body).toMatchObject({ timestamp: 'soon', customer_id: person.customer_id });
  expect((await headgate(['replay', id, '--body', '-'], { input: 'oops' })).errors).toMatch(/Standard input is not JSON/);
  const replayed = await headgate(['replay', id, '--body', '-', '--json'], { input: JSON.stringify({ ...body, timestamp: 1_764_000_000 }) });
  expect(JSON.parse(replayed.output)).toMatchObject({ id: Number(id), outcome: 'replayed' });
  expect(replayed.status).toBe(0);
});

test('a conflict says what to do about it', async () => {
  const { person } = somebody();
  await service.post({ ...person, event_id: 'used-twice' });
  const id = await refused({ ...person, event_id: 'used-twice', event: 'cio.audience_remove' }, 409);
  expect((await headgate(['show', id])).output).toContain(`It needs an event_id of its own: npx headgate quarantine replay ${id} --set event_id=NEW_ID, or --set event_id= to have one derived.`);
  expect(await headgate(['replay', id])).toMatchObject({ status: 1, output: expect.stringMatching(/still a conflict, so it stays\n {2}- the event_id used-twice was already used for cio\.audience_add high_intent/) as string });
  expect(await headgate(['replay', id, '--set', 'event_id='])).toMatchObject({ status: 0, output: expect.stringContaining('npx headgate event derived-') as string });
});

test('many at once: tried first, then done, with one line each for programs', async () => {
  const ids: string[] = [];
  for (let index = 0; index < 3; index++) ids.push(await refused({ ...somebody().person, audience_key: 'many_v1' }));
  const hopeless = await refused({ audience_key: 'many_v1' });
  const which = ['--audience', 'many_v1', '--since', '-1h', '--set', `audience_key=${CART}`];
  const tried = await headgate(['replay', ...which, '--dry-run']);
  expect(tried.output).toMatch(/replayable: new\D+3\b/);
  expect(tried.status).toBe(1);
  const replayed = await headgate(['replay', ...which, '--json']);
  const results = replayed.output.trim().split('\n').map((line) => JSON.parse(line) as { id: number; outcome: string });
  expect(results.map(({ id, outcome }) => [String(id), outcome])).toEqual([...ids.map((id) => [id, 'replayed']), [hopeless, 'invalid']]);
  expect(replayed.status).toBe(1);
  const discarded = await headgate(['discard', '--audience', 'many_v1', '--reason', 'nobody']);
  expect(discarded).toMatchObject({ status: 0, output: expect.stringMatching(/discarded\D+1\b/) as string });
  expect(await resolutionOf(hopeless)).toMatchObject({ resolution: 'discarded', resolved_because: 'nobody' });
  expect(await headgate(['replay', '--audience', 'many_v1'])).toMatchObject({ status: 0, output: 'Nothing in quarantine matches.\n' });
});

test('several ids: each has its answer', async () => {
  const [one, two] = [await refused({ ...somebody().person, audience_key: 'typo_v1' }), await refused({ ...somebody().person, audience_key: 'typo_v1' })];
  const { status, output } = await headgate(['discard', one, '99999999', two, '--reason', 'a test']);
  expect(output).toBe(`${one}  discarded\n99999999  there is no entry 99999999 in quarantine\n${two}  discarded\n`);
  expect(status).toBe(1);
});

describe('a wrong command line ends with 2 and a sentence', () => {
  test.each<[string[], RegExp]>([
    [['replay'], /say which: ids, a filter, or --all/],
    [['replay', '17', '--all'], /ids and a filter exclude each other/],
    [['replay', 'x17'], /x17 is no id of an entry/],
    [['replay', '17', '18', '--body', 'x.json'], /--body is the body of one entry/],
    [['discard', '17'], /--reason <text>' not specified/],
    [['list', '--only', 'other'], /Allowed choices are invalid, conflict/],
  ])('%j', async (args, words) => {
    const { status, errors } = await headgate(args);
    expect(errors).toMatch(words);
    expect(status).toBe(2);
  });
});

test('a field that no webhook has, or the same person for several, is refused with the way out', async () => {
  expect(await headgate(['replay', '17', '--set', 'audience=x_v1'])).toMatchObject({ status: 1, errors: expect.stringMatching(/audience is no field of a webhook; there are .*audience_key/) as string });
  expect(await headgate(['replay', '--all', '--set', 'email=ada@example.com'])).toMatchObject({ status: 1, errors: expect.stringMatching(/cannot be the same for several/) as string });
});

test('the operator token comes from the environment', async () => {
  const guarded = await startApi({ ...service.parts, environment: { ...service.parts.environment, HEADGATE_OPERATOR_TOKEN: 'the-operator-token' } }, undefined);
  const id = await refused({ ...somebody().person, audience_key: 'typo_v1' });
  const without = await headgate(['discard', id, '--reason', 'x'], { url: guarded.url });
  expect(without).toMatchObject({ status: 4, errors: 'Operating needs Authorization: Bearer with HEADGATE_OPERATOR_TOKEN.\n' });
  expect(await headgate(['discard', id, '--reason', 'x'], { url: guarded.url, environment: { HEADGATE_OPERATOR_TOKEN: 'the-operator-token' } })).toMatchObject({ status: 0 });
  await guarded.stop();
});

test('the help teaches by example', async () => {
  const { status, output } = await headgate(['--help']);
  expect(output).toContain('npx headgate quarantine replay 17 --body 17.json');
  expect(output).toMatch(/Exit status: 0 .* 1 .* 2/);
  expect(status).toBe(0);
});
