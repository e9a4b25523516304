/** Halving: every wrong row is found, every other one goes through, in a bounded number of calls. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mostMembers, suspectsAfterSuccess, type Suspects } from '../../src/domain/poison.ts';

/** A platform that refuses every call with a wrong row in it. */
function pushAll(rows: readonly { wrong: boolean }[], perCall: number): { calls: number; accepted: number; rejected: number } {
  let pending = [...rows];
  let suspects: Suspects;
  const done = { calls: 0, accepted: 0, rejected: 0 };
  while (pending.length > 0) {
    const call = pending.slice(0, Math.min(mostMembers(suspects) ?? perCall, perCall));
    done.calls++;
    if (!call.some(({ wrong }) => wrong)) done.accepted += call.length;
    else if (call.length === 1) done.rejected++;
    else {
      suspects = call.length;
      continue;
    }
    pending = pending.slice(call.length);
    suspects = suspectsAfterSuccess(suspects, call.length);
  }
  return done;
}

test('each wrong row is rejected alone and all others go through', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ wrong: fc.boolean() }), { maxLength: 200 }), fc.integer({ min: 1, max: 64 }), (rows, perCall) => {
      const wrong = rows.filter((row) => row.wrong).length;
      const { calls, accepted, rejected } = pushAll(rows, perCall);
      expect([accepted, rejected]).toEqual([rows.length - wrong, wrong]);
      expect(calls).toBeLessThanOrEqual(Math.ceil(rows.length / perCall) + wrong * (2 * Math.ceil(Math.log2(perCall)) + 2));
    }),
  );
});

test('three wrong rows among 10,000 cost a few dozen calls', () => {
  const wrong = new Set([0, 4_321, 9_999]);
  const { calls } = pushAll(Array.from({ length: 10_000 }, (_, index) => ({ wrong: wrong.has(index) })), 10_000);
  console.log(`3 wrong rows among 10,000: ${String(calls)} calls`);
  expect(calls).toBeLessThanOrEqual(60);
});
