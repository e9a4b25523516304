/** The group commit with a ledger and a lifeboat whose answers the test gives. */
import pino from 'pino';
import { expect, test } from 'vitest';
import { GroupCommit, NothingTookIt, type GroupCommitOptions } from '../../src/api/group-commit.ts';
import type { Applicable, Applied } from '../../src/ledger/index.ts';
import { createMetrics } from '../../src/monitoring/metrics.ts';
import { makeEvent } from '../support/events.ts';

const decided = { kind: 'decided', decision: { status: 'applied', personId: 'p', audience: 'in' } } as const;
const applied = (items: readonly Applicable[]): Applied => ({ outcomes: items.map(() => decided), wakes: [] });

interface Called {
  groups: Applicable[][];
  boats: number[];
  suspected: number;
}

function makeCommit(options: Partial<GroupCommitOptions> = {}): { commit: GroupCommit; called: Called } {
  const called: Called = { groups: [], boats: [], suspected: 0 };
  const { applyEvents = (items: readonly Applicable[]) => Promise.resolve(applied(items)), launchLifeboat = () => Promise.resolve() } = options;
  const commit = new GroupCommit({
    quarantine: () => Promise.resolve(),
    suspectLedger: () => void called.suspected++,
    onCommitted: () => undefined,
    logger: pino({ level: 'silent' }),
    metrics: createMetrics(),
    ...options,
    applyEvents: (items) => {
      called.groups.push([...items]);
      return applyEvents(items);
    },
    launchLifeboat: (batch) => {
      called.boats.push(batch.events.length);
      return launchLifeboat(batch);
    },
  });
  return { commit, called };
}

const broken = (message: string) => () => Promise.reject(new Error(message));

test('events that arrive together are committed together, at most 500 at once', async () => {
  const { commit, called } = makeCommit();
  const taken = await Promise.all(Array.from({ length: 1_200 }, () => commit.submit(makeEvent())));
  expect(taken.every(({ kind }) => kind === 'decided')).toBe(true);
  expect(called.groups.length).toBeLessThanOrEqual(4);
  expect(Math.max(...called.groups.map((group) => group.length))).toBe(500);
  expect(commit.unanswered).toBe(0);
});

test('a lone event waits for nobody', async () => {
  const { commit, called } = makeCommit();
  expect(await commit.submit(makeEvent())).toEqual(decided);
  expect(called.groups).toHaveLength(1);
});

test('when the ledger fails, the group is queued in the lifeboat', async () => {
  const { commit, called } = makeCommit({ applyEvents: broken('gone') });
  expect(await Promise.all([commit.submit(makeEvent()), commit.submit(makeEvent())])).toEqual([{ kind: 'queued' }, { kind: 'queued' }]);
  expect(called.boats).toEqual([2]);
});

test('a ledger that does not answer is suspected, and its group queued', async () => {
  const { commit, called } = makeCommit({ applyEvents: () => new Promise(() => undefined), patienceMs: 5 });
  expect(await commit.submit(makeEvent())).toEqual({ kind: 'queued' });
  expect(called.suspected).toBe(1);
});

test('large events are spread over several lifeboats, because a workflow\'s input is limited', async () => {
  const { commit, called } = makeCommit({ applyEvents: broken('gone') });
  await Promise.all(Array.from({ length: 10 }, () => commit.submit(makeEvent({ attributes: { text: 'x'.repeat(240_000) } }))));
  expect(called.boats.length).toBeGreaterThan(2);
  expect(called.boats.reduce((sum, count) => sum + count, 0)).toBe(10);
});

test('when neither takes it, nothing is claimed', async () => {
  const { commit } = makeCommit({ applyEvents: broken('gone'), launchLifeboat: broken('gone as well') });
  await expect(commit.submit(makeEvent())).rejects.toBeInstanceOf(NothingTookIt);
});

test('more than can be decided in time is sent away at once', async () => {
  const { commit } = makeCommit({ applyEvents: () => new Promise(() => undefined), patienceMs: 60_000 });
  for (let sent = 0; sent < 10_000; sent++) commit.submit(makeEvent()).catch(() => undefined);
  await expect(commit.submit(makeEvent())).rejects.toBeInstanceOf(NothingTookIt);
});

test('a body that is kept late by the ledger, and by a lifeboat because of that, carries the same key', async () => {
  const keys: (string | undefined)[] = [];
  const { commit } = makeCommit({
    quarantine: ([entry]) => {
      keys.push(entry?.key);
      return new Promise(() => undefined);
    },
    launchLifeboat: ({ quarantined: [entry] }) => {
      keys.push(entry?.key);
      return Promise.resolve();
    },
    patienceMs: 5,
  });
  for (let body = 0; body < 2; body++) await commit.quarantine({ source: 'demo', receivedAt: 1, reason: 'invalid', problems: [], body: '{}' });
  expect(keys).toEqual([expect.stringMatching(/^[0-9a-f-]{36}$/), keys[0], expect.stringMatching(/^[0-9a-f-]{36}$/), keys[2]]);
  expect(keys[0]).not.toBe(keys[2]);
});

test('drain waits for every answer', async () => {
  const ledger = Promise.withResolvers<undefined>();
  const { commit } = makeCommit({ applyEvents: (items) => ledger.promise.then(() => applied(items)) });
  let answered = false;
  const submitted = commit.submit(makeEvent()).then(() => (answered = true));
  const drained = commit.drain();
  ledger.resolve(undefined);
  await drained;
  await submitted;
  expect(answered).toBe(true);
});
