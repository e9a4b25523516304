/**
 * The reporting feed as it may come: shuffled, a tenth of it twice later on, half of it twice at once, and an api that is killed in the
 * middle. Each report is one row, in the ledger and in what analysts read in the warehouse. HEADGATE_TEST_REPORTS says how many (default 5,000; 100,000 take some minutes).
 */
import { Agent, request } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sign } from '../../src/api/index.ts';
import { findFreePort } from '../../src/embedded/ports.ts';
import { prepareEntryPoints, type EntryPoint, type EntryPoints } from '../support/entry-points.ts';
import { REGISTRY, SECRET } from '../support/service.ts';
import { until } from '../support/until.ts';

const REPORTS = Number(process.env['HEADGATE_TEST_REPORTS'] ?? 5_000);
const CONNECTIONS = 64;
const REPORTING_SECRET = 'a-reporting-secret-for-tests';
const SOURCES = `sources:
  demo: { signing_secret: ${SECRET}, reporting_secret: ${REPORTING_SECRET}, reporting: { workflows: only_where_needed } }
exporters:
  warehouse: { platform: bigquery, sandbox: true, project: acme-analytics, dataset: headgate, every: 1s }`;

let points: EntryPoints;
beforeAll(async () => {
  points = await prepareEntryPoints(REGISTRY.replace(/sources:\n.*\n/, `${SOURCES}\n`));
});
afterAll(() => points.stop());

async function startApi(port: number): Promise<EntryPoint> {
  const api = points.run('src/server.ts', { HEADGATE_PORT: String(port) });
  await until(api.output, (text) => text.includes('Headgate is ready'), 60_000);
  return api;
}

const agent = new Agent({ keepAlive: true, maxSockets: 2 * CONNECTIONS });
/** As Customer.io does: the same body again until it is answered with a 2xx. */
async function deliver(port: number, raw: string): Promise<void> {
  const timestamp = String(Math.floor(Date.now() / 1_000));
  const headers = { 'content-type': 'application/json', 'x-cio-timestamp': timestamp, 'x-cio-signature': sign(REPORTING_SECRET, timestamp, raw) };
  const status = await new Promise<number>((resolve) => {
    const call = request({ agent, port, host: '127.0.0.1', method: 'POST', path: '/v1/webhooks/demo/reporting', headers }, (response) => {
      response.resume().on('end', () => { resolve(response.statusCode ?? 0); }).on('error', () => { resolve(0); });
    });
    call.on('error', () => { resolve(0); }).end(raw);
  });
  if (status >= 200 && status < 300) return;
  await new Promise((resolve) => setTimeout(resolve, 100));
  return deliver(port, raw);
}

/** The same order for the same number, so that a failure can be looked at again. */
function shuffled<T>(items: readonly T[]): T[] {
  let state = 7;
  const random = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
  return items.map((item) => [random(), item] as const).toSorted((a, b) => a[0] - b[0]).map(([, item]) => item);
}

test('each report is one row, whatever comes twice, late, at once or while an api is killed', async () => {
  const port = await findFreePort();
  let api = await startApi(port);
  const bodies = Array.from({ length: REPORTS }, (_, index) =>
    JSON.stringify({
      event_id: `flood-${String(index)}`, object_type: 'email', metric: ['sent', 'delivered', 'opened', 'clicked'][index % 4], timestamp: 1_764_000_000 + index,
      data: { identifiers: { id: `c_${String(Math.floor(index / 4))}` }, delivery_id: `d-${String(Math.floor(index / 4))}`, campaign_id: 7 },
    }),
  );
  const queue = shuffled([...bodies, ...bodies.filter((_body, index) => index % 10 === 0)]);
  let sent = 0;
  let killed: Promise<void> | undefined;
  const sendNext = async (): Promise<void> => {
    for (let raw = queue[sent++]; raw !== undefined; raw = queue[sent++]) {
      if (sent > queue.length / 2) killed ??= killAndStart();
      await Promise.all(sent % 2 === 0 ? [deliver(port, raw), deliver(port, raw)] : [deliver(port, raw)]);
    }
  };
  const killAndStart = async (): Promise<void> => {
    api.child.kill('SIGKILL');
    await api.exited;
    api = await startApi(port);
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, sendNext));
  await killed;
  // What was taken in by a lifeboat needs a worker.
  const worker = points.run('src/worker.ts', { HEADGATE_METRICS_PORT: '0' });
  await until(worker.output, (text) => text.includes('Headgate worker is ready'), 60_000);
  const count = async (): Promise<object | undefined> =>
    (await points.database.query<object>("select count(*)::int as rows, count(distinct event_id)::int as events, count(distinct person_id)::int as persons from exposures where event_id like 'flood-%'"))[0];
  const expected = { rows: REPORTS, events: REPORTS, persons: Math.ceil(REPORTS / 4) };
  await until(count, (seen) => JSON.stringify(seen) === JSON.stringify(expected), 60_000);
  expect(await points.database.query('select 1 from outbox')).toEqual([]);
  const warehouse = await points.sandbox.warehouse();
  const read = (): (string | null)[] | undefined => warehouse.query("SELECT COUNT(*), COUNT(DISTINCT event_id) FROM `acme-analytics.headgate.exposures` WHERE metric <> ''", {}, 0).rows[0];
  await until(read, (seen) => seen?.every((count) => count === String(REPORTS)) ?? false, 240_000);
}, 900_000);
