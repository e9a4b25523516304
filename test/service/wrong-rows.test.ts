/** Large batches with a few wrong rows, on every platform: the wrong ones are rejected, all others go through, in a bounded number of calls. */
import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { FaultName } from '../../src/sandbox/faults.ts';
import { sha256 } from '../../src/destinations/user-data.ts';
import { ALL_PLATFORMS, CART, NAMES, type Name } from '../support/all-platforms.ts';
import { startService, type TestService } from '../support/service.ts';
import { until } from '../support/until.ts';

let service: TestService;
beforeAll(async () => {
  service = await startService({ registry: ALL_PLATFORMS });
  for (const name of [...NAMES, 'meta_second']) await until(() => sync(name).describe(), () => true);
});
afterAll(() => service.stop());
beforeEach(() => {
  for (const name of NAMES) service.sandbox.store.setLimits(name, { processingMs: 20 });
});

const sync = (destination: string): WorkflowHandle => service.client.workflow.getHandle(`headgate/sync/${destination}/${CART}`);
const hashes = (destination: string): string[] => service.sandbox.store.state.destinations[destination]?.audiences['6000000000001']?.hashes ?? [];

describe('a batch of 10,000 with 3 wrong rows', () => {
  // The workflows of so many events would keep Temporal busy for minutes, and are not what this is about.
  beforeAll(async () => {
    await service.database.query("create function leave_out() returns trigger language plpgsql as 'begin return null; end'");
    await service.database.query("create trigger leave_out before insert on outbox for each row when (new.event_id like 'bulk~%') execute function leave_out()");
  });

  /** Decides that many adds, without waking a sync or starting their workflows, and returns the e-mail hashes of three of them. */
  async function prepare(prefix: string, many = 10_000): Promise<string[]> {
    const identify = (email: string): Record<string, { type: string; value: string }[]> => {
      const value = sha256(email);
      return { meta: [{ type: 'EMAIL', value }], google: [{ type: 'emailAddress', value }], tiktok: [{ type: 'EMAIL_SHA256', value }], snap: [{ type: 'EMAIL_SHA256', value }] };
    };
    const now = Date.now();
    const events = Array.from({ length: many }, (_, index) => {
      const email = `${prefix}${String(index)}@example.com`;
      return {
        kind: 'event' as const,
        event: {
          eventId: `bulk~${crypto.randomUUID()}`, source: 'demo', people: 'demo', name: 'cio.audience_add' as const, audienceKey: CART, occurredAt: now, receivedAt: now,
          person: { customerId: `${prefix}${String(index)}`, emailHash: sha256(email) }, identifiers: identify(email), context: {}, attributes: {},
        },
      };
    });
    for (let from = 0; from < events.length; from += 500) await service.parts.ledger.applyEvents(events.slice(from, from + 500));
    return [Math.floor(many / 6), Math.floor(many / 2), many - 1].map((index) => sha256(`${prefix}${String(index)}@example.com`));
  }
  const counts = async (destination: string, prefix: string): Promise<Record<string, number>> => {
    const rows = await service.database.query<{ status: string; count: number }>(
      'select status, count(*)::int as count from deliveries join persons using (person_id) where destination = $1 and customer_id like $2 group by status',
      [destination, `${prefix}%`],
    );
    return Object.fromEntries(rows.map(({ status, count }) => [status, count]));
  };
  const callsTo = (name: string): number => service.sandbox.store.state.calls.filter(({ destination }) => destination === name).length;

  test.each<[Name, FaultName, number, number]>([
    ['meta_main', 'named_invalid', 10_000, 5],
    ['meta_main', 'unnamed_invalid', 10_000, 60],
    ['google_main', 'named_invalid', 10_000, 6],
    ['google_main', 'unnamed_invalid', 10_000, 80],
    ['google_main', 'late_invalid', 10_000, 120],
    ['tiktok_main', 'unnamed_invalid', 10_000, 60],
    ['snap_main', 'unnamed_invalid', 10_000, 60],
  ])('%s, %s: of %s all but 3 accepted, in at most %s calls', async (name, kind, many, mostCalls) => {
    const prefix = `${name}_${kind}_`;
    const all = [...NAMES, 'meta_second'];
    for (const one of all) await sync(one).executeUpdate('pause');
    try {
      const wrong = await prepare(prefix, many);
      service.sandbox.faults.set(name, { fault: kind, ms: 0, values: wrong });
      const before = callsTo(name);
      await sync(name).executeUpdate('resume');
      await until(() => counts(name, prefix), ({ accepted = 0, rejected = 0 }) => accepted + rejected === many, 280_000);
      const calls = callsTo(name) - before;
      process.stdout.write(`${name}, ${kind}, 3 of ${String(many)}: ${String(calls)} calls\n`);
      expect(await counts(name, prefix)).toEqual({ accepted: many - 3, rejected: 3 });
      expect(calls).toBeLessThanOrEqual(mostCalls);
      const reasons = await service.database.query<{ reason: string }>("select distinct reason from deliveries where destination = $1 and status = 'rejected' and person_id in (select person_id from persons where customer_id like $2)", [name, `${prefix}%`]);
      expect(reasons.every(({ reason }) => reason.length > 5)).toBe(true);
      for (const hash of wrong) expect(hashes(name)).not.toContain(hash);
    } finally {
      service.sandbox.faults.set(undefined, null);
      await service.database.query('delete from deliveries where person_id in (select person_id from persons where customer_id like $1)', [`${prefix}%`]);
      for (const one of all) await sync(one).executeUpdate('resume');
    }
  }, 300_000);
});
