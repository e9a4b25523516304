/** One suite for every platform of the catalogue, through the port, over HTTP against its stand-in. */
import { inspect } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { catalog } from '../../src/destinations/catalog.ts';
import type { CheckedTarget, Destination, Member, MemberAnswer, PushAnswer, PushOperation } from '../../src/destinations/destination.ts';
import { sha256 } from '../../src/destinations/user-data.ts';
import { PlatformFailure, type FailureKind } from '../../src/domain/failures.ts';
import type { RawPerson } from '../../src/domain/identifiers.ts';
import { startSandbox, type Sandbox } from '../../src/sandbox/index.ts';
import type { FaultName } from '../../src/sandbox/faults.ts';
import { until } from '../support/until.ts';
import { CONFORMING } from './platforms.ts';

const AUDIENCE = '6000000000001';
const TARGET: CheckedTarget = { audienceKey: 'cart_v1', platformAudienceId: AUDIENCE, windowMs: 7 * 86_400_000 };

test('every platform of the catalogue is in the suite', () => {
  expect(Object.keys(CONFORMING).sort()).toEqual([...catalog.keys()].sort());
});

describe.each([...catalog.values()])('$platform', (platform) => {
  const given = CONFORMING[platform.platform]!;
  const name = `${platform.platform}_main`;
  const settingsOf = (raw: Record<string, unknown>): Record<string, unknown> => platform.settings.parse({ timeout: '5s', ...raw }) as Record<string, unknown>;
  const connect = (raw: Record<string, unknown> = given.settings, url = sandbox.url): Destination => platform.connect(settingsOf(raw), { name, sandboxUrl: `${url}/${name}` });
  const person = (raw: RawPerson): Member => {
    const { identifiers, variants = [] } = platform.identify(raw);
    return { today: [...identifiers, ...variants].map(({ type, value }) => ({ type, value })), former: [] };
  };
  const somebody = (who: string): Member => person({ email: `${who}@example.com` });
  const hashOf = (who: string): string => sha256(`${who}@example.com`);
  const nobody: Member = { today: [], former: [] };

  let sandbox: Sandbox;
  let destination: Destination;
  beforeAll(async () => {
    sandbox = await startSandbox({ port: 0, destinations: [{ name, platform: platform.platform, settings: settingsOf(given.settings), audienceIds: [AUDIENCE] }] });
  });
  afterAll(() => sandbox.close());
  beforeEach(() => {
    sandbox.faults.set(undefined, null);
    sandbox.store.reset();
    sandbox.store.setLimits(name, { processingMs: 20 });
    destination = connect();
  });

  const fault = (kind: FaultName, more: { ms?: number; values?: string[]; calls?: number } = {}): void => {
    sandbox.faults.set(name, { fault: kind, ms: more.ms ?? 0, values: more.values }, more.calls);
  };
  const members = (): string[] => sandbox.store.state.destinations[name]?.audiences[AUDIENCE]?.hashes.toSorted() ?? [];
  const send = (operation: PushOperation, people: Member[], signal = AbortSignal.timeout(5_000), of = destination): Promise<PushAnswer> => of.prepare(operation, AUDIENCE, people).send(signal);

  /** Follows an answer to its end: what was taken in for later is asked about until it is decided. */
  async function settled(answer: PushAnswer): Promise<MemberAnswer[]> {
    const { later } = answer;
    if (!later) return answer.members;
    // A request id is no yes.
    expect(answer.members.map(({ status }) => status)).not.toContain('accepted');
    const outcome = await until(() => destination.followUp!.ask(later.requestId, 0, AbortSignal.timeout(5_000)), ({ status }) => status !== 'processing');
    const decided: MemberAnswer = outcome.status === 'settled' ? outcome.answer : { status: 'rejected', reason: JSON.stringify(outcome) };
    return answer.members.map((member) => (member.status === 'processing' ? decided : member));
  }
  const push = async (operation: PushOperation, people: Member[]): Promise<string[]> => (await settled(await send(operation, people))).map(({ status }) => status);
  const failureOf = async (work: Promise<unknown>): Promise<PlatformFailure> => {
    const error: unknown = await work.then(() => undefined, (reason: unknown) => reason);
    if (error instanceof PlatformFailure) return error;
    throw new Error('no PlatformFailure', { cause: error });
  };

  test('accepts an add and a removal, and believes nothing but the answer', async () => {
    expect(await push('add', [somebody('ada'), somebody('bob')])).toEqual(['accepted', 'accepted']);
    expect(members()).toEqual([hashOf('ada'), hashOf('bob')].sort());
    expect(await push('remove', [somebody('ada')])).toEqual(['accepted']);
    expect(members()).toEqual([hashOf('bob')]);
  });

  test('the same batch twice leaves everybody in once, and twice removed is removed', async () => {
    for (const operation of ['add', 'add'] as const) await push(operation, [somebody('ada'), somebody('bob')]);
    expect(sandbox.store.sizeOf(name, AUDIENCE)).toBe(2);
    for (const operation of ['remove', 'remove'] as const) expect(await push(operation, [somebody('ada')])).toEqual(['accepted']);
    expect(members()).toEqual([hashOf('bob')]);
  });

  test('adds and removals one after the other end as the last one says', async () => {
    for (const operation of ['add', 'remove', 'add', 'remove'] as const) await push(operation, [somebody('ada')]);
    expect(members()).toEqual([]);
    await push('add', [somebody('ada')]);
    expect(members()).toEqual([hashOf('ada')]);
  });

  test('one outcome for each member, in order, and who has nothing usable is told apart', async () => {
    const call = destination.prepare('add', AUDIENCE, [somebody('a'), nobody, somebody('b'), nobody, somebody('c')]);
    expect(call.unusable).toEqual([{ index: 1, reason: 'no usable identifier' }, { index: 3, reason: 'no usable identifier' }]);
    expect(call.carries).toEqual([0, 2, 4]);
    expect((await settled(await call.send(AbortSignal.timeout(5_000)))).map(({ status }) => status)).toEqual(['accepted', 'accepted', 'accepted']);
  });

  test('rows go out in the order of the members', async () => {
    const names = ['z', 'a', 'm', 'b', 'y'];
    await push('add', names.map(somebody));
    expect(sandbox.store.state.destinations[name]?.audiences[AUDIENCE]?.hashes).toEqual(names.map(hashOf));
  });

  test.each<[FaultName, FailureKind]>([
    ['http_500', 'unavailable'],
    ['malformed', 'unavailable'],
    ['rate_limit', 'rate_limited'],
    ['unauthorised', 'unauthorised'],
    ['no_permission', 'unauthorised'],
    ['needs_person', 'needs_person'],
    ['misconfigured', 'misconfigured'],
  ])('%s is told apart, with words and what to do', async (kind, expected) => {
    fault(kind);
    const { report, message } = await failureOf(send('add', [somebody('ada')]));
    expect(report.kind).toBe(given.kinds?.[kind] ?? expected);
    expect(report.cause.length).toBeGreaterThan(10);
    expect(message).toContain(name);
    expect(['unavailable', 'rate_limited'].includes(report.kind) || report.cure !== '').toBe(true);
    expect(members()).toEqual([]);
  });

  test('a throttled account says for how long', async () => {
    fault('rate_limit', { ms: 1_000 });
    expect((await failureOf(send('add', [somebody('ada')]))).report).toMatchObject({ kind: 'rate_limited', retryAfterMs: 1_000 });
  });

  test('too many calls a minute are throttled by the platform', async () => {
    sandbox.store.setLimits(name, { callsPerMinute: 2 });
    await push('add', [somebody('a')]);
    await push('add', [somebody('b')]);
    expect((await failureOf(send('add', [somebody('c')]))).report).toMatchObject({ kind: 'rate_limited', retryAfterMs: expect.any(Number) as number });
  });

  test('a success that does not say of what is an unknown outcome', async () => {
    fault('unclear', { calls: 1 });
    expect((await failureOf(send('add', [somebody('ada')]))).report.kind).toBe('timed_out');
    expect(await push('add', [somebody('ada')])).toEqual(['accepted']);
    expect(members()).toEqual([hashOf('ada')]);
  });

  test('a removal that the platform refuses is no success, is told from what every call is refused for, and adds go on', async () => {
    await push('add', [somebody('ada')]);
    fault('refuse_removals');
    const { report } = await failureOf(send('remove', [somebody('ada')]));
    expect(report).toMatchObject({ kind: given.kinds?.refuse_removals ?? 'needs_person', ...(given.refusesRemovals ? { refusesRemovals: true } : {}) });
    for (const kind of ['unauthorised', 'needs_person', 'misconfigured'] as const) {
      fault(kind);
      expect((await failureOf(send('remove', [somebody('ada')]))).report.refusesRemovals).toBeUndefined();
    }
    fault('refuse_removals');
    expect(await push('add', [somebody('bob')])).toEqual(['accepted']);
    expect(members()).toContain(hashOf('ada'));
  });

  test.each<[FaultName, boolean]>([
    ['timeout_before', false],
    ['timeout_applied', true],
    ['reset_applied', true],
  ])('%s is an unknown outcome', async (kind, applied) => {
    const call = async (): Promise<Awaited<ReturnType<typeof failureOf>>> => {
      fault(kind, { calls: 1 });
      // Given up only when the platform has done with the call what it will: before that, a token or the body may take its time. A reset ends the call itself.
      const controller = new AbortController();
      let ended = false;
      const failure = failureOf(send('add', [somebody('ada')], controller.signal)).finally(() => (ended = true));
      if (applied) await until(() => ended || members().length === 1, Boolean);
      else await until(() => sandbox.faults.active[name], (left) => left === undefined);
      if (kind !== 'reset_applied') controller.abort();
      return failure;
    };
    let failure = await call();
    // A kept connection may have been closed as the call went out: then it has reached nobody, and is an unknown outcome of another kind.
    for (let again = 0; again < 5 && applied && members().length === 0; again++) failure = await call();
    expect(failure.report.kind).toBe('timed_out');
    if (!applied) expect(members()).toEqual([]);
    expect(await push('add', [somebody('ada')])).toEqual(['accepted']);
    expect(members()).toEqual([hashOf('ada')]);
  });

  test('an abort ends the call', async () => {
    fault('slow_ms', { ms: 60_000 });
    const controller = new AbortController();
    const call = send('add', [somebody('ada')], controller.signal);
    setTimeout(() => { controller.abort(); }, 50);
    expect((await failureOf(call)).report.kind).toBe('timed_out');
  });

  test('nobody there is unavailable', async () => {
    const gone = await startSandbox({ port: 0, destinations: [] });
    await gone.close();
    expect((await failureOf(send('add', [somebody('ada')], undefined, connect(given.settings, gone.url)))).report.kind).toBe('unavailable');
  });

  test('credentials that are not accepted are unauthorised, and say what to do', async () => {
    const { report } = await failureOf(send('add', [somebody('ada')], undefined, connect(given.wrongCredentials(`${sandbox.url}/${name}`))));
    expect(report.kind).toBe('unauthorised');
    expect(report.cure).not.toBe('');
  });

  test('secrets and contacts are in no error', async () => {
    const errors: unknown[] = [];
    for (const kind of ['http_500', 'malformed', 'rate_limit', 'unauthorised', 'needs_person', 'misconfigured', 'timeout_before', 'reset_applied'] as const) {
      fault(kind, { calls: 2 });
      errors.push(await failureOf(send('add', [somebody('ada')], AbortSignal.timeout(400))));
      sandbox.faults.set(undefined, null);
    }
    errors.push(await failureOf(send('add', [somebody('ada')], undefined, connect(given.wrongCredentials(`${sandbox.url}/${name}`)))));
    const text = inspect(errors, { depth: 10, showHidden: true });
    for (const secret of [...given.secrets, 'ada@example.com', hashOf('ada')]) expect(text).not.toContain(secret);
  });

  test('a wrong row never passes as accepted, and the others do not suffer from it', async () => {
    fault('named_invalid', { values: [hashOf('bad')] });
    const people = [somebody('a'), somebody('bad'), somebody('c')];
    const answer = await send('add', people).then(settled, (error: unknown) => error);
    if (answer instanceof PlatformFailure) expect(answer.report.kind).toBe('invalid_row');
    else expect((answer as MemberAnswer[]).map(({ status }) => status)).toEqual(['accepted', 'rejected', 'accepted'].map((status) => (platform.platform === 'google' && status === 'accepted' ? 'unsent' : status)));
    expect(members()).not.toContain(hashOf('bad'));
  });

  test('rows that were left out do not shift the answers of those that were sent', async () => {
    fault('named_invalid', { values: [hashOf('bad')] });
    const several: Member = { today: ['a', 'b'].flatMap((who) => somebody(who).today), former: [] };
    const call = destination.prepare('add', AUDIENCE, [nobody, several, nobody, somebody('bad'), somebody('c')]);
    expect(call.carries).toEqual([1, 3, 4]);
    const answer = await call.send(AbortSignal.timeout(5_000)).catch((error: unknown) => error);
    if (answer instanceof PlatformFailure) expect(answer.report.kind).toBe('invalid_row');
    else expect((answer as PushAnswer).members.map(({ status }) => status === 'rejected')).toEqual([false, true, false]);
  });

  test('one phone, name or id that comes to nothing fails nobody\'s call', async () => {
    const people = [person({ email: 'a@example.com', phone: '()', firstName: '-', lastName: '🙂', country: 'xx', mobileAdId: 'none' }), somebody('b')];
    expect(await push('add', people)).toEqual(['accepted', 'accepted']);
  });

  test('a wrong row alone is refused as one', async () => {
    fault('unnamed_invalid', { values: [hashOf('bad')] });
    expect((await failureOf(send('add', [somebody('bad')]))).report.kind).toBe('invalid_row');
  });

  test('a removal carries what the person went by before', async () => {
    await push('add', [somebody('old')]);
    const moved: Member = { today: somebody('new').today, former: somebody('old').today };
    await push('add', [{ ...moved, former: [] }]);
    await push('remove', [moved]);
    expect(members()).toEqual([]);
  });

  test('a person with several e-mails is one member, and gone by one removal', async () => {
    const several: Member = { today: ['a', 'b', 'c'].flatMap((who) => somebody(who).today), former: [] };
    expect(await push('add', [several])).toEqual(['accepted']);
    expect(members()).toEqual(['a', 'b', 'c'].map(hashOf).sort());
    await push('remove', [several]);
    expect(members()).toEqual([]);
  });

  test('consent that was given is no obstacle', async () => {
    const consenting: Member = { ...somebody('ada'), consent: { ad_user_data: 'granted', ad_personalization: 'granted' } };
    expect(await push('add', [consenting])).toEqual(['accepted']);
    expect(await push('remove', [consenting])).toEqual(['accepted']);
  });

  test('names, places and addresses of any script are taken', async () => {
    const people = [
      person({ email: 'jörg@exämple.de', firstName: 'Jörg', lastName: 'Müller-Lüdenscheidt', city: 'Köln', country: 'de', postalCode: '50667' }),
      person({ email: '정@example.kr', firstName: '민준', lastName: '김', country: 'KR', postalCode: '04524', phone: '+82 2-312-3456' }),
      person({ email: 'o.o@example.com', firstName: '🙂', lastName: "O'Neil", gender: 'f', birthDate: '1990-02-01', region: 'CA', country: 'US', postalCode: '94035-1234' }),
    ];
    expect(await push('add', people)).toEqual(['accepted', 'accepted', 'accepted']);
    expect(sandbox.store.sizeOf(name, AUDIENCE)).toBe(3);
  });

  test('10,000 people at once go in and out again, in as few calls as the platform allows', async () => {
    const everybody = Array.from({ length: 10_000 }, (_, index) => somebody(`p${String(index)}`));
    for (const [operation, members] of [['add', 10_000], ['remove', 0]] as const) {
      let waiting = everybody;
      let calls = 0;
      while (waiting.length > 0) {
        const call = destination.prepare(operation, AUDIENCE, waiting.slice(0, destination.membersPerCall));
        const statuses = (await settled(await call.send(AbortSignal.timeout(10_000)))).map(({ status }) => status);
        expect(new Set(statuses)).toEqual(new Set(['accepted']));
        expect(statuses).toHaveLength(call.carries.length);
        waiting = waiting.slice(call.carries.length);
        calls++;
      }
      expect(calls).toBe(Math.ceil(10_000 / destination.membersPerCall));
      expect(sandbox.store.sizeOf(name, AUDIENCE)).toBe(members);
    }
  }, 30_000);

  test('a hash is not hashed again, and an empty text never is', () => {
    const hash = hashOf('ada');
    expect(platform.identify({ email: ` ${hash.toUpperCase()} ` }).identifiers.map(({ value }) => value)).toEqual([hash]);
    const empty = platform.identify({ email: ' ', phone: '', firstName: ' ', lastName: '--', city: '', country: '' });
    expect(empty.identifiers).toEqual([]);
    expect(JSON.stringify(empty)).not.toContain(sha256(''));
  });

  describe('check', () => {
    const levels = async (of: Destination, targets = [TARGET]): Promise<string[]> => (await of.check(targets, AbortSignal.timeout(5_000))).map(({ subject, level }) => `${subject} ${level}`);

    test('finds nothing wrong where all is well, and changes nothing', async () => {
      const found = await destination.check([TARGET], AbortSignal.timeout(5_000));
      expect(found.filter(({ level }) => level === 'problem')).toEqual([]);
      expect(found.some(({ subject, level }) => subject === 'audience' && level === 'ok')).toBe(true);
      expect(members()).toEqual([]);
    });
    test('says when the credentials are not accepted', async () => {
      expect(await levels(connect(given.wrongCredentials(`${sandbox.url}/${name}`)))).toEqual(['credentials problem']);
    }, 20_000);
    test('says when an audience is not there', async () => {
      expect(await levels(destination, [{ ...TARGET, platformAudienceId: '999' }])).toContain('audience problem');
      fault('misconfigured');
      expect(await levels(destination)).toContain('audience problem');
    });
    test('says once, and not of each audience, that a permission is missing, and what to do', async () => {
      fault('no_permission');
      const found = (await destination.check([TARGET, { ...TARGET, audienceKey: 'other_v1' }], AbortSignal.timeout(5_000))).filter(({ level }) => level === 'problem');
      expect(found.map(({ audienceKey }) => audienceKey)).toEqual([undefined]);
      expect(found[0]?.message).toMatch(/permission|may not do this/);
    });
    test('says that the terms are not accepted, where the platform tells', async () => {
      fault('needs_person');
      expect((await levels(destination, [TARGET, TARGET])).filter((one) => one.endsWith('problem'))).toEqual(given.showsTerms ? ['terms problem'] : []);
    });
    test.each<FaultName>(['http_500', 'malformed', 'rate_limit', 'unauthorised'])('says once that nothing can be found out: %s', async (kind) => {
      fault(kind);
      expect((await levels(destination, [TARGET, TARGET])).filter((one) => one.endsWith('problem'))).toHaveLength(1);
    });
    test('uses up no fault that a push is to meet', async () => {
      fault('http_500', { calls: 1 });
      await destination.check([TARGET], AbortSignal.timeout(5_000));
      expect((await failureOf(send('add', [somebody('ada')]))).report.kind).toBe('unavailable');
    });
    test('says when nobody answers', async () => {
      const gone = await startSandbox({ port: 0, destinations: [] });
      await gone.close();
      expect(await levels(connect(given.settings, gone.url))).toEqual(['credentials problem']);
    });
  });

  test('the size of an audience is what the platform tells', async () => {
    expect(await destination.readSize(AUDIENCE, AbortSignal.timeout(5_000))).toEqual({ atLeast: 0, atMost: 0 });
    await settled(await send('add', ['ada', 'bob', 'cleo'].map(somebody)));
    expect(await destination.readSize(AUDIENCE, AbortSignal.timeout(5_000))).toEqual({ atLeast: 3, atMost: 3 });
  });

  test('a platform that tells no size has none', async () => {
    sandbox.store.say(name, AUDIENCE, given.untoldSize);
    expect(await destination.readSize(AUDIENCE, AbortSignal.timeout(5_000))).toBeUndefined();
  });

  test('an audience that is not there has no size', async () => {
    fault('misconfigured');
    expect(await destination.readSize(AUDIENCE, AbortSignal.timeout(5_000)).catch((error: unknown) => (error as PlatformFailure).report)).toMatchObject({ kind: 'misconfigured' });
  });

  test('an audience is made once, and found the next time', async () => {
    const wanted = { name: 'Headgate cart_v1', description: 'for a test', windowMs: 7 * 86_400_000 };
    const made = await destination.createAudience(wanted, AbortSignal.timeout(5_000));
    expect(made.existed).toBe(false);
    expect(platform.checkAudienceId(made.id)).toBeUndefined();
    expect(await destination.createAudience(wanted, AbortSignal.timeout(5_000))).toEqual({ id: made.id, existed: true });
  });

  test.each([['a name that is longer than the platform takes', 'Headgate '.repeat(20).trim()], ['quotes and letters of any script', 'A "quoted" \\ näme, 정']])('an audience is found again by %s, among many', async (_name, text) => {
    for (let index = 0; index < 105; index++) sandbox.store.create(name, `another ${String(index)}`);
    const wanted = { name: text, description: 'for a test', windowMs: null };
    const made = await destination.createAudience(wanted, AbortSignal.timeout(5_000));
    expect(await destination.createAudience(wanted, AbortSignal.timeout(5_000))).toEqual({ id: made.id, existed: true });
    expect(await push('add', [somebody('ada')])).toEqual(['accepted']);
  });
});
