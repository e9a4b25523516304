/** Rows of files into the ledger and out of it, on a real Postgres: once, in order, page by page. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { HeadgateEvent } from '../../src/domain/event.ts';
import { EXPOSURE_COLUMNS, type ExposureRow } from '../../src/domain/exposure-columns.ts';
import type { ExposurePlace, Ledger } from '../../src/ledger/index.ts';
import { CART, makeEvent, person } from '../support/events.ts';
import { startLedger, type TestLedger } from '../support/ledger.ts';

let started: TestLedger;
let database: TestLedger['database'];
let ledger: TestLedger['ledger'];
beforeAll(async () => {
  started = await startLedger();
  ({ database, ledger } = started);
});
afterAll(() => started.stop());

const NOTHING = Object.fromEntries(Object.keys(EXPOSURE_COLUMNS).map((column) => [column, null])) as unknown as ExposureRow;
const makeRow = (eventId: string, more: Partial<ExposureRow> = {}): ExposureRow => ({
  ...NOTHING, event_id: eventId, name: 'cio.exposure', source: 'demo', status: 'applied', occurred_at: '2019-05-01T00:00:00.000Z', received_at: '2019-05-01T00:00:01.000Z', context: {}, attributes: {}, ...more,
});
const countOf = async (eventId: string) => (await database.query('select 1 from exposures where event_id = $1', [eventId])).length;

test('the same row from ten imports at once is one row', async () => {
  const rows = [makeRow('ten'), makeRow('ten/expired', { caused_by: 'ten', source: null }), makeRow('ten')];
  const became = await Promise.all(Array.from({ length: 10 }, () => ledger.importExposures(rows)));
  expect(became.flatMap(([first]) => first).filter((one) => one === 'imported')).toHaveLength(1);
  expect(became.flatMap(([, second]) => second).filter((one) => one === 'imported')).toHaveLength(1);
  expect(became.every(([, , third]) => third === 'duplicate')).toBe(true);
  expect([await countOf('ten'), await countOf('ten/expired')]).toEqual([1, 1]);
});

test('an event that comes by webhook and from a file at once is one row, whoever is first', async () => {
  const events = Array.from({ length: 8 }, (_, index): HeadgateEvent => makeEvent({ ...person('both'), eventId: `both-${String(index)}` }));
  const outcomes = await Promise.all(
    events.flatMap((event) => [
      ledger.applyEvents([{ kind: 'event', event }]).then(({ outcomes: [outcome] }) => outcome?.kind),
      ledger.importExposures([makeRow(event.eventId, { name: event.name, audience_key: CART })]).then(([became]) => became),
    ]),
  );
  for (let index = 0; index < outcomes.length; index += 2) expect(outcomes.slice(index, index + 2).toSorted()).toEqual(outcomes[index] === 'duplicate' ? ['duplicate', 'imported'] : ['decided', 'duplicate']);
  for (const { eventId } of events) expect(await countOf(eventId)).toBe(1);
});

test('a row that a decision brought about is known by its id, also when its time is another one', async () => {
  expect(await ledger.importExposures([makeRow('cause/left/a', { caused_by: 'cause' })])).toEqual(['imported']);
  expect(await ledger.importExposures([makeRow('cause/left/a', { caused_by: 'cause', occurred_at: '2020-01-01T00:00:00.000Z' })])).toEqual(['duplicate']);
});

test('an id that was used for another audience is a conflict, also within one import', async () => {
  expect(await ledger.importExposures([makeRow('used'), makeRow('used', { name: 'cio.audience_add' }), makeRow('used')])).toEqual(['imported', 'conflict', 'duplicate']);
  expect(await ledger.importExposures([makeRow('used', { audience_key: CART })])).toEqual(['conflict']);
});

test('a report from a file is told whose it is, and links nobody', async () => {
  const [lead, customer] = [person('lead-of-old'), person('customer-of-old')];
  const emailHash = lead.person.emailHash ?? '';
  await ledger.applyEvents([makeEvent({ ...lead, person: { emailHash } }), makeEvent({ ...customer, person: { customerId: 'c_old' } })].map((event) => ({ kind: 'event', event })));
  const before = await database.query('select person_id, merged_into, contacts, as_of from persons order by person_id');
  const revisions = await database.query('select person_id, revision, status from deliveries order by 1');
  const report = makeEvent({ person: { customerId: 'c_old', cioId: 'a1', emailHash }, eventId: 'report-of-old', importedFrom: 'f', rowOnly: true });
  delete report.audienceKey;
  const { wakes } = await ledger.applyEvents([{ kind: 'event', event: { ...report, name: 'cio.report', report: { channel: 'email', metric: 'sent' } } }]);
  expect(wakes).toEqual([]);
  expect(await database.query('select person_id, merged_into, contacts, as_of from persons order by person_id')).toEqual(before);
  expect(await database.query('select person_id, revision, status from deliveries order by 1')).toEqual(revisions);
  expect(await database.query("select customer_id, cio_id, imported_from, person_id = (select person_id from person_identifiers where value = 'c_old') as theirs from exposures where event_id = 'report-of-old'")).toEqual([
    { customer_id: 'c_old', cio_id: 'a1', imported_from: 'f', theirs: true },
  ]);
});

test('pages of a time with many rows have each row once, also where all have the same time', async () => {
  const time = '2018-02-03T04:05:06.789Z';
  const ids = Array.from({ length: 250 }, (_, index) => `same-${String(index).padStart(3, '0')}`);
  await ledger.importExposures(ids.toSorted(() => Math.random() - 0.5).map((id) => makeRow(id, { occurred_at: time })));
  const range = { since: new Date(time), until: new Date('2018-02-03T04:05:06.790Z') };
  const seen: string[] = [];
  for (let after: ExposurePlace | undefined, more = true; more; ) {
    const { rows, last } = await ledger.readExposures({ ...range, after }, 40);
    seen.push(...rows.map((row) => (JSON.parse(row) as ExposureRow).event_id));
    after = last;
    more = last !== undefined;
  }
  expect(seen).toEqual(ids);
  expect(await ledger.findExposurePlace({ ...range, after: undefined }, 250)).toBeUndefined();
  const end = await ledger.findExposurePlace({ ...range, after: undefined }, 100);
  expect(end?.eventId).toBe('same-099');
  expect((await ledger.readExposures({ ...range, after: undefined, upTo: end }, 500)).rows).toHaveLength(100);
});

test('a page of a young ledger without statistics is read in order by its index, not sorted', async () => {
  await database.query(`insert into exposures (event_id, source, name, occurred_at, received_at, status) select 'plan-' || n, 's', 'cio.exposure', now() - n * interval '1 hour', now(), 'applied' from generate_series(1, 5000) n`);
  const asked: string[] = [];
  const explaining = {
    transaction: (work: (client: unknown) => Promise<unknown>) =>
      ledger.connection.transaction(async (client) =>
        work({
          query: async (text: string, values?: unknown[]) => {
            if (values === undefined) return client.query(text);
            const { rows } = await client.query<{ 'QUERY PLAN': string }>(`explain (costs off) ${text}`, values);
            asked.push(rows.map((row) => row['QUERY PLAN']).join('\n'));
            return { rows: [] };
          },
        }),
      ),
  } as unknown as Ledger['connection'];
  const { findExposurePlace, readExposures } = await import('../../src/ledger/exposure-rows.ts');
  const range = { since: new Date('2010-01-01'), until: new Date('2040-01-01'), after: undefined };
  await findExposurePlace(explaining, range, 100);
  await readExposures(explaining, range, 100);
  await readExposures(explaining, { ...range, after: { occurredAt: '2039-06-01T00:00:00.000000Z', eventId: 'x' } }, 100);
  expect(asked).toHaveLength(3);
  for (const plan of asked) {
    expect(plan).toMatch(/Index (Only )?Scan using exposures_\w*occurred_at/);
    expect(plan).not.toMatch(/Sort Method|-> {2}Sort|^Sort|Seq Scan/m);
  }
  // The months before are left out.
  expect(asked[2]).not.toContain('on exposures_before ');
});
