/** How rows are sent until the warehouse has said something of each: against a warehouse in memory. */
import { expect, test } from 'vitest';
import { deliverRows } from '../../src/activities/deliver-rows.ts';
import type { ExportedRow } from '../../src/domain/exported-columns.ts';
import { PlatformFailure } from '../../src/domain/failures.ts';
import type { RowAnswer } from '../../src/warehouse/exporter.ts';

const rows = (count: number): ExportedRow[] => Array.from({ length: count }, (_, index) => ({ eventId: `e${String(index)}`, occurredAt: '2026-11-24T10:15:00Z', values: {} }));
const refusal = new PlatformFailure('refused', { kind: 'invalid_row', cause: 'something is wrong', cure: '' });

/** @param answer what a call with these rows is answered */
async function deliver(given: ExportedRow[], takes: number, answer: (ids: string[]) => RowAnswer[]): Promise<{ parked: string[]; stored: string[]; calls: number }> {
  const stored: string[] = [];
  let calls = 0;
  const exporter = {
    name: 'warehouse',
    prepare: (chunk: readonly ExportedRow[]) => {
      const ids = chunk.slice(0, takes).map(({ eventId }) => eventId);
      return {
        takes: ids.length,
        send: async () => {
          calls++;
          const answers = await Promise.resolve(answer(ids));
          stored.push(...ids.filter((_, index) => answers[index]?.status === 'stored'));
          return answers;
        },
      };
    },
  };
  const parked = await deliverRows(exporter, given, () => AbortSignal.timeout(1_000));
  return { parked: parked.map(({ eventId, reason }) => `${eventId} ${reason}`), stored: stored.toSorted(), calls };
}
const all = (count: number): string[] => rows(count).map(({ eventId }) => eventId).toSorted();
const store = (ids: string[]): RowAnswer[] => ids.map(() => ({ status: 'stored' }));

test('all rows go in calls of what fits', async () => {
  expect(await deliver(rows(25), 10, store)).toEqual({ parked: [], stored: all(25), calls: 3 });
});

test('rows that were stopped for one that is wrong are sent again without it, and none is lost', async () => {
  const answer = (ids: string[]): RowAnswer[] => (ids.includes('e3') ? ids.map((id) => (id === 'e3' ? { status: 'refused', reason: 'wrong' } : { status: 'unsent', reason: 'stopped' })) : store(ids));
  expect(await deliver(rows(8), 10, answer)).toEqual({ parked: ['e3 wrong'], stored: all(8).filter((id) => id !== 'e3'), calls: 2 });
});

test('a call that is refused without saying for which row is halved until the row stands alone', async () => {
  const { parked, stored, calls } = await deliver(rows(64), 100, (ids) => {
    if (ids.includes('e17')) throw refusal;
    return store(ids);
  });
  expect(parked).toEqual(['e17 something is wrong']);
  expect(stored).toEqual(all(64).filter((id) => id !== 'e17'));
  expect(calls).toBeLessThanOrEqual(14);
});

test('when row after row is refused alone and none is taken, it is not the rows: nothing is parked', async () => {
  await expect(deliver(rows(16), 100, () => { throw refusal; })).rejects.toMatchObject({ report: { kind: 'rejected_request', cause: 'something is wrong, and so is every row alone' } });
});

test('a call that takes nothing and names nothing fails, instead of being made for ever', async () => {
  await expect(deliver(rows(3), 10, (ids) => ids.map(() => ({ status: 'unsent', reason: 'backendError' })))).rejects.toMatchObject({ report: { kind: 'unavailable', cause: expect.stringContaining('backendError') as unknown } });
});
