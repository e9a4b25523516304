/** Halving: every wrong row is found, every other one goes through, in a bounded number of calls; and where all are refused, a person decides. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { REJECTIONS_BEFORE_PROBE } from '../../src/domain/failures.ts';
import { nextCall, suspicionAfter, suspicionAfterRefusal, suspicionAfterRetry, type Suspicion } from '../../src/domain/poison.ts';
import { holds } from '../support/property.ts';

const MOST_CALLS = 10_000;

interface Done {
  calls: number;
  accepted: number;
  rejected: number;
  /** How often the sync was stuck, with as many failed probes as there were members, and a person said `retry`. */
  retries: number;
}

/** A platform that refuses every call with a wrong row in it. */
function pushAll(rows: readonly { wrong: boolean }[], perCall: number, suspicion: Suspicion = { suspects: undefined, rejectedInARow: 0 }): Done {
  let pending = [...rows];
  let failures = 0;
  const done: Done = { calls: 0, accepted: 0, rejected: 0, retries: 0 };
  while (pending.length > 0) {
    if (done.calls++ > MOST_CALLS) throw new Error(`${String(MOST_CALLS)} calls, and ${String(pending.length)} rows are left`);
    const { mostMembers = perCall, probe } = nextCall(suspicion, { well: true, failures });
    const call = probe === undefined ? pending.slice(0, Math.min(mostMembers, perCall)) : pending.toReversed().slice(probe % pending.length, (probe % pending.length) + 1);
    const refused = call.some(({ wrong }) => wrong);
    if (refused && probe !== undefined) {
      if (++failures >= pending.length) [suspicion, failures, done.retries] = [suspicionAfterRetry(suspicion), 0, done.retries + 1];
      continue;
    }
    const halved = refused ? suspicionAfterRefusal(suspicion, call.length) : undefined;
    if (halved) {
      suspicion = halved;
      continue;
    }
    failures = 0;
    pending = pending.filter((row) => !call.includes(row));
    const outcome = refused ? { accepted: 0, rejected: 1 } : { accepted: call.length, rejected: 0 };
    suspicion = suspicionAfter(suspicion, { ...outcome, more: pending.length > 0 });
    done.accepted += outcome.accepted;
    done.rejected += outcome.rejected;
  }
  return done;
}

const rowsOf = (count: number, isWrong: (index: number) => boolean): { wrong: boolean }[] => Array.from({ length: count }, (_, index) => ({ wrong: isWrong(index) }));

test('each wrong row is rejected alone and all others go through', async () => {
  await holds(
    fc.property(fc.array(fc.record({ wrong: fc.boolean() }), { maxLength: 200 }), fc.integer({ min: 1, max: 64 }), (rows, perCall) => {
      const wrong = rows.filter((row) => row.wrong).length;
      const { calls, accepted, rejected, retries } = pushAll(rows, perCall);
      expect([accepted, rejected]).toEqual([rows.length - wrong, wrong]);
      // Only where nobody is left who goes through.
      expect(retries).toBeLessThanOrEqual(1);
      const probes = rows.length;
      expect(calls).toBeLessThanOrEqual(Math.ceil(rows.length / perCall) + wrong * (2 * Math.ceil(Math.log2(perCall)) + 4) + probes);
    }),
  );
});

test('three wrong rows among 10,000 cost a few dozen calls', () => {
  const wrong = new Set([0, 4_321, 9_999]);
  const { calls } = pushAll(rowsOf(10_000, (index) => wrong.has(index)), 10_000);
  console.log(`3 wrong rows among 10,000: ${String(calls)} calls`);
  expect(calls).toBeLessThanOrEqual(60);
});

describe('when row after row is refused', () => {
  const DOUBTING: Suspicion = { suspects: undefined, rejectedInARow: REJECTIONS_BEFORE_PROBE };

  test('the sync asks with one other member each time, and goes on once one goes through', () => {
    // All but the fourth newest are wrong.
    const { accepted, rejected, retries } = pushAll(rowsOf(40, (index) => index !== 36), 100);
    expect({ accepted, rejected }).toEqual({ accepted: 1, rejected: 39 });
    // Those who are left then are all wrong.
    expect(retries).toBe(1);
  });

  test('one retry of a person who has looked rejects them all, in about a call for each', () => {
    const { calls, rejected, retries } = pushAll(rowsOf(450, () => true), 10_000, suspicionAfterRetry(DOUBTING));
    console.log(`450 wrong rows and no other: ${String(calls)} calls`);
    expect({ rejected, retries }).toEqual({ rejected: 450, retries: 0 });
    expect(calls).toBeLessThanOrEqual(500);
  });

  test('after a thousand rejections the sync doubts again', () => {
    expect(pushAll(rowsOf(1_005, () => true), 10_000, suspicionAfterRetry(DOUBTING)).retries).toBe(1);
  });

  test('a retry while nothing is doubted allows nothing', () => {
    expect(suspicionAfterRetry({ suspects: undefined, rejectedInARow: 2 })).toEqual({ suspects: undefined, rejectedInARow: 0 });
  });
});
