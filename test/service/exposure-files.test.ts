/** `headgate export exposures` and `headgate import exposures` as somebody types them, against a running Headgate: out, in again, once. */
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, request as forward, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EXPOSURE_COLUMNS, type ExposureRow } from '../../src/domain/exposure-columns.ts';
import { openLedger } from '../../src/ledger/index.ts';
import { createLogger } from '../../src/monitoring/logger.ts';
import { readers, type Format } from '../../src/cli/files/formats.ts';
import { startApi } from '../../src/wiring.ts';
import { typeCommand, type CommandResult } from '../support/command.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { CROSS_SELL, DAY, makeEvent, makePolicies, person } from '../support/events.ts';
import { ROOT } from '../support/headgate-process.ts';
import { REGISTRY, SECRET, startService, type TestService } from '../support/service.ts';

const ROWS = 3_000;
let service: TestService;
let folder: string;
beforeAll(async () => {
  service = await startService({ registry: REGISTRY.replace(/ {2}demo: .*\n/, `  demo: { signing_secret: ${SECRET} }\n  other: { signing_secret: ${SECRET} }\n`) });
  folder = await mkdtemp(join(tmpdir(), 'headgate-files-'));
  await fill(service.database, ROWS);
});
afterAll(async () => {
  await service.stop();
  await rm(folder, { recursive: true });
});

/** Rows of every kind, through the ledger's own door; several at the same time, so that the order within a time matters. */
async function fill(database: TestDatabase, rows: number): Promise<void> {
  const ledger = openLedger({ url: database.url, policies: makePolicies(), logger: createLogger({ level: 'silent', pretty: false }) });
  const start = Date.now() - 5 * DAY;
  const events = Array.from({ length: rows / 3 }, (_, index) => {
    const who = person(`filed-${String(index)}`);
    const occurredAt = start + Math.floor(index / 7) * 60_000;
    const add = makeEvent({ ...who, occurredAt, context: { campaign_id: 7, campaign_name: 'Körbe, "voll"\nund =mehr', note: '' }, attributes: { value: 182.5, tags: ['a', null] } });
    // It takes the person out of the cart's audience, which is a row without an event of its own.
    const other = makeEvent({ ...who, audienceKey: CROSS_SELL, occurredAt: occurredAt + 1_000 });
    return [add, other];
  });
  const report = makeEvent({ ...person('filed-report'), occurredAt: start });
  delete report.audienceKey;
  events.push([{ ...report, name: 'cio.report', context: { delivery_id: 'd-1' }, report: { channel: 'email', metric: 'clicked', linkUrl: 'https://x.example/?a=1,2', machine: false } }]);
  const all = events.flat();
  for (let at = 0; at < all.length; at += 500) await ledger.applyEvents(all.slice(at, at + 500).map((event) => ({ kind: 'event', event })));
  await ledger.close();
}

const headgate = (args: string[], { url = service.url, environment = {} }: { url?: string; environment?: Record<string, string> } = {}): Promise<CommandResult> => typeCommand([...args, '--url', url], { folder, environment });
/** As a process of its own. Resolves with its exit status, which is null for one that was killed. */
function headgateProcess(args: string[], url: string): { kill: () => void; status: Promise<number | null> } {
  const child = spawn(process.execPath, [join(ROOT, 'bin/headgate.js'), ...args, '--url', url], { cwd: folder, env: { PATH: process.env['PATH'], HOME: process.env['HOME'] }, stdio: 'ignore' });
  return { kill: () => child.kill('SIGKILL'), status: new Promise((resolve) => child.on('close', resolve)) };
}
const exporting = (format: Format, out: string, ...more: string[]): string[] => ['export', 'exposures', '--since', '-30d', '--format', format, '--out', out, ...more];
const partsOf = async (out: string): Promise<string[]> => (await readdir(join(folder, out))).filter((name) => !name.startsWith('_')).sort();

async function rowsIn(out: string, format: Format): Promise<ExposureRow[]> {
  const rows: ExposureRow[] = [];
  for (const part of await partsOf(out)) for await (const { record } of readers[format](join(folder, out, part))) rows.push(record as unknown as ExposureRow);
  return rows;
}
/** Something between the command and the api. @param meets each request with its number: `pass` forwards it, `cut` ends the connection after the first piece of the answer */
async function between(meets: (asked: number, pass: () => void, cut: () => void) => void): Promise<{ url: string; close: () => void }> {
  let asked = 0;
  const gate = createServer((incoming, outgoing) => {
    const ask = (take: (answer: IncomingMessage) => void): void => {
      incoming.pipe(forward(`${service.url}${incoming.url ?? ''}`, { headers: incoming.headers }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        take(answer);
      }));
    };
    meets(
      ++asked,
      () => { ask((answer) => answer.pipe(outgoing)); },
      () => { ask((answer) => answer.once('data', (piece: Buffer) => outgoing.write(piece.subarray(0, piece.length / 2), () => outgoing.destroy()))); },
    );
  });
  await new Promise<void>((resolve) => gate.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${String((gate.address() as AddressInfo).port)}`,
    close: () => {
      gate.close();
      gate.closeAllConnections();
    },
  };
}
const COLUMNS = Object.entries(EXPOSURE_COLUMNS);
/** What the table has, as a file should have it. */
async function rowsOf(database: TestDatabase, where = 'true'): Promise<ExposureRow[]> {
  const rows = await database.query<Record<string, unknown>>(`select * from exposures where ${where} order by occurred_at, event_id`);
  return rows.map((row) => Object.fromEntries(COLUMNS.map(([column, type]) => [column, type === 'time' ? (row[column] as Date).toISOString() : row[column]]))) as unknown as ExposureRow[];
}

test('files have every column of the table but the ledger\'s own', async () => {
  const columns = await service.database.query<{ name: string }>("select column_name::text as name from information_schema.columns where table_name = 'exposures' and column_name <> 'written_by'");
  expect(Object.keys(EXPOSURE_COLUMNS).toSorted()).toEqual(columns.map(({ name }) => name).toSorted());
});

describe('headgate export exposures', () => {
  test.each(['parquet', 'csv', 'ndjson'] as const)('writes %s files that have every row, in the order of time', async (format) => {
    const { status, output, errors } = await headgate(exporting(format, format, '--rows-per-file', '1000'));
    expect(errors).toMatch(/exposures-00001\.\w+: 1,000 rows, [\d,]+ rows\/s/);
    const table = await rowsOf(service.database);
    expect(output).toContain(`${table.length.toLocaleString('en')} rows in 4 files.`);
    expect(status).toBe(0);
    expect(await partsOf(format)).toEqual([1, 2, 3, 4].map((number) => `exposures-0000${String(number)}.${format}`));
    expect(await rowsIn(format, format)).toEqual(table);
    expect(table.filter((row) => row.caused_by !== null).length).toBeGreaterThan(900);
  });

  test('killed in the middle, goes on with the same command and has each row once', async () => {
    const stuck = Promise.withResolvers<void>();
    // Lets five pages through, and never answers the sixth.
    const { url, close } = await between((asked, pass) => {
      if (asked === 6) stuck.resolve();
      else pass();
    });
    const running = headgateProcess(exporting('parquet', 'killed', '--rows-per-file', '250'), url);
    await stuck.promise;
    running.kill();
    expect(await running.status).toBeNull();
    expect(JSON.parse(await readFile(join(folder, 'killed/_progress.json'), 'utf8'))).toMatchObject({ files: 5, rows: 1_250, done: false });
    expect((await readdir(join(folder, 'killed'))).filter((name) => name.startsWith('_unfinished'))).toHaveLength(1);

    const other = await headgate(exporting('csv', 'killed', '--rows-per-file', '250'), { url });
    expect(other).toMatchObject({ status: 1, errors: expect.stringContaining('killed has an export with --format parquet: ask for the same to go on with it') as string });
    const again = await headgate(exporting('parquet', 'killed', '--rows-per-file', '250'), { url });
    expect(again).toMatchObject({ status: 0, errors: expect.stringContaining('Goes on behind 1,250 rows in 5 files.') as string });
    expect(await rowsIn('killed', 'parquet')).toEqual(await rowsOf(service.database));
    expect(await headgate(exporting('parquet', 'killed', '--rows-per-file', '250'))).toMatchObject({ status: 0, output: expect.stringContaining('is whole') as string });
    close();
  });

  test('whose answer breaks off in the middle of a page says so, and has each row once when it is asked again', async () => {
    const { url, close } = await between((asked, pass, cut) => { (asked === 3 ? cut : pass)(); });
    const broken = await headgate(exporting('ndjson', 'broken', '--rows-per-file', '800'), { url });
    expect(broken).toMatchObject({ status: 1, errors: expect.stringContaining('The answer of Headgate broke off.\nBroken off behind 1,600 rows in 2 files. The same command goes on there.') as string });
    expect((await headgate(exporting('ndjson', 'broken', '--rows-per-file', '800'), { url })).status).toBe(0);
    expect(await rowsIn('broken', 'ndjson')).toEqual(await rowsOf(service.database));
    close();
  });

  test('begins anew by --restart, and writes nothing over files that it knows nothing of', async () => {
    await headgate(exporting('ndjson', 'anew', '--rows-per-file', '500'));
    expect(await headgate(exporting('csv', 'anew', '--rows-per-file', '2000', '--restart'))).toMatchObject({ status: 0 });
    expect(await partsOf('anew')).toEqual(['exposures-00001.csv', 'exposures-00002.csv']);
    await rm(join(folder, 'anew/_progress.json'));
    expect((await headgate(exporting('csv', 'anew'))).errors).toContain('anew has 2 files of an export, but no _progress.json');
  });

  test('of a time with no rows writes none, and says so', async () => {
    expect(await headgate(['export', 'exposures', '--since', '2001-01-01', '--until', '2001-02-01', '--format', 'parquet', '--out', 'empty'])).toMatchObject({ status: 0, output: expect.stringContaining('0 rows in 0 files.') as string });
    expect(await partsOf('empty')).toEqual([]);
  });

  test('says what is wrong with a request', async () => {
    const ask = async (query: string) => (await service.read(`/v1/exposures${query}`)).body['problem'];
    expect(await ask('')).toBe('since is missing');
    expect(await ask('?since=soon')).toBe('since must be a time such as 2026-11-01T00:00:00Z');
    expect(await ask('?since=2026-11-01T00:00:00Z&limit=0&after=x&form=csv')).toMatch(/after must be what Headgate-Next said.*limit.*form/s);
  });
});

describe('headgate import exposures', () => {
  /** An api on an empty ledger of its own. */
  async function emptied(work: (url: string, database: TestDatabase) => Promise<void>): Promise<void> {
    const database = await createDatabase();
    const ledger = openLedger({ url: database.url, policies: service.parts.registry.policies, logger: service.parts.logger });
    const api = await startApi({ ...service.parts, ledger, environment: { ...service.parts.environment } }, undefined);
    try {
      await work(api.url, database);
    } finally {
      await api.stop();
      await ledger.close();
      await database.drop();
    }
  }

  test.each(['parquet', 'csv', 'ndjson'] as const)("takes its own %s files into an empty ledger: the same rows, and no change the second time", async (format) => {
    await emptied(async (url, database) => {
      await headgate(exporting(format, `own-${format}`, '--rows-per-file', '2500'));
      const files = (await partsOf(`own-${format}`)).map((name) => join(`own-${format}`, name));
      const all = await rowsOf(service.database);
      const first = await headgate(['import', 'exposures', ...files], { url });
      expect(first).toMatchObject({ status: 0, output: `${all.length.toLocaleString('en')} imported, 0 known already, 0 rejected.\n` });
      const imported = await rowsOf(database);
      expect(imported.map((row) => ({ ...row, imported_from: null }))).toEqual(all.map((row) => ({ ...row, imported_from: null })));
      expect(new Set(imported.map(({ imported_from: file }) => file))).toEqual(new Set(files.map((file) => file.split('/').at(-1))));
      expect(await headgate(['import', 'exposures', ...files], { url })).toMatchObject({ status: 0, output: `0 imported, ${all.length.toLocaleString('en')} known already, 0 rejected.\n` });
      expect(await rowsOf(database)).toEqual(imported);
      for (const table of ['outbox', 'memberships', 'deliveries']) expect(await database.query(`select 1 from ${table}`)).toEqual([]);
    });
  });

  test('takes bodies of the reporting webhook by the reader of the door, once, without workflows and without an address anywhere', async () => {
    const lines = [
      { event_id: 'rep-1', object_type: 'email', metric: 'sent', timestamp: 1_700_000_000, data: { identifiers: { id: 'c_old', email: 'Ada@Example.com' }, recipient: 'ada@example.com', subject: 'Hi ada@example.com', delivery_id: 'old-1', campaign_id: 9 } },
      { event_id: 'rep-2', object_type: 'customer', metric: 'unsubscribed', timestamp: 1_700_000_100, data: { identifiers: { id: 'c_old' }, email_address: 'ada@example.com' } },
      { event_id: 'rep-1', object_type: 'email', metric: 'sent', timestamp: 1_700_000_000, data: {} },
      { metric: 'sent', timestamp: 1, data: { identifiers: { email: 'ada@example.com' } } },
      { event_id: 'ada@example.com', metric: 'opened', timestamp: 1_700_000_000, data: {} },
      { event_id: 'rep-3', metric: 'opened', data: {} },
    ];
    await writeFile(join(folder, 'reports.ndjson'), [...lines.map((line) => JSON.stringify(line)), '{"email":"ada@example.com"', ''].join('\n'));
    expect((await headgate(['import', 'exposures', 'reports.ndjson'])).output).toBe('0 imported, 0 known already, 7 rejected.\n');
    expect(await readFile(join(folder, 'reports.ndjson.rejects'), 'utf8')).toContain('say by --source which source');
    const ran = await headgate(['import', 'exposures', 'reports.ndjson', '--source', 'demo', '--rejects', 'refused.ndjson']);
    expect(ran).toMatchObject({ status: 1, output: '2 imported, 1 known already, 4 rejected.\n' });
    const refused = await readFile(join(folder, 'refused.ndjson'), 'utf8');
    expect(refused.trim().split('\n').map((line) => { const { line: number, event_id: eventId, problems } = JSON.parse(line) as { line: number; event_id?: string; problems: { path: string }[] }; return [number, eventId, problems.map(({ path }) => path)]; })).toEqual([
      [7, undefined, ['']], [4, undefined, ['event_id']], [5, undefined, ['event_id']], [6, 'rep-3', ['timestamp']],
    ]);
    const rows = await rowsOf(service.database, "imported_from = 'reports.ndjson'");
    expect(rows).toMatchObject([
      { event_id: 'rep-1', name: 'cio.report', channel: 'email', metric: 'sent', outcome: 'reported', occurred_at: '2023-11-14T22:13:20.000Z', customer_id: 'c_old', campaign_id: '9', delivery_id: 'old-1' },
      { event_id: 'rep-2', channel: 'customer', metric: 'unsubscribed' },
    ]);
    expect(rows[0]?.person_id).toBe(rows[1]?.person_id);
    expect(await service.database.query("select 1 from outbox where event_id like 'rep-%'")).toEqual([]);
    // One name found the person; the e-mail was not linked to it.
    expect(await service.database.query("select kind from person_identifiers where person_id = $1", [rows[0]?.person_id])).toEqual([{ kind: 'customer_id' }]);
    expect((await rowsOf(service.database, "tableoid = 'exposures_before'::regclass and event_id = 'rep-1'"))).toHaveLength(1);
    const everything = JSON.stringify([rows, await service.database.query('select * from persons'), refused, ran]);
    expect(everything.toLowerCase()).not.toContain('ada@example.com');
    expect((await headgate(['import', 'exposures', 'reports.ndjson', '--source', 'demo'])).output).toBe('0 imported, 3 known already, 4 rejected.\n');
  });

  test("takes messages of Customer.io's App API and a table of deliveries, one row for each metric, and none that the feed has told of", async () => {
    const message = { id: 'd-1', type: 'twilio', customer_identifiers: { id: 'c_m', email: 'm@example.com', cio_id: 'a1' }, recipient: 'm@example.com', campaign_id: 3, action_id: 4, created: 1_700_000_000, metrics: { created: 1_700_000_000, sent: 1_700_000_001, clicked: 1_700_000_009 } };
    await writeFile(join(folder, 'messages.jsonl'), `${JSON.stringify(message)}\n`);
    // The click of this delivery has come by webhook already.
    expect(await headgate(['import', 'exposures', 'messages.jsonl', '--source', 'demo'])).toMatchObject({ status: 0, output: '1 imported, 1 known already, 0 rejected.\n' });
    await writeFile(join(folder, 'deliveries.csv'), ['Delivery ID,Customer ID,Recipient,Sent At,Geöffnet,Weather', 'd-9,c_m,m@example.com,2023-11-15 08:00:00,2023-11-15T09:00:00+01:00,"sunny, warm"', 'd-1,c_m,,1700000001,,', ',c_m,m@example.com,1700000001,,', ''].join('\r\n'));
    const ran = await headgate(['import', 'exposures', 'deliveries.csv', '--source', 'demo', '--map', 'Geöffnet=opened']);
    expect(ran).toMatchObject({ status: 1, output: '2 imported, 1 known already, 1 rejected.\n', errors: expect.stringContaining('nothing is made of the columns Weather; --map') as string });
    expect(JSON.parse(await readFile(join(folder, 'deliveries.csv.rejects'), 'utf8'))).toMatchObject({ file: 'deliveries.csv', line: 4, problems: [{ path: 'event_id' }] });
    expect((await rowsOf(service.database, "imported_from in ('messages.jsonl', 'deliveries.csv')")).map(({ delivery_id: delivery, channel, metric, occurred_at: time, step_id: step }) => [delivery, channel, metric, time, step])).toEqual([
      ['d-1', 'sms', 'sent', '2023-11-14T22:13:21.000Z', '4'],
      ['d-9', 'unknown', 'sent', '2023-11-15T08:00:00.000Z', null],
      ['d-9', 'unknown', 'opened', '2023-11-15T08:00:00.000Z', null],
    ]);
  });

  test('refuses rows that are none, with every reason, and an id that was used for another event', async () => {
    const [known] = await rowsOf(service.database, "name = 'cio.audience_add'");
    const lines = [{ ...known, name: 'cio.exposure' }, { ...known, event_id: 'a/b', occurred_at: 'yesterday', weather: 1, status: 'new' }, { ...known, event_id: 'new-1', customer_id: 'ada@example.com', campaign_name: 'for ada@example.com' }];
    await writeFile(join(folder, 'rows.ndjson'), lines.map((line) => JSON.stringify(line)).join('\n'));
    expect((await headgate(['import', 'exposures', 'rows.ndjson'])).output).toBe('1 imported, 0 known already, 2 rejected.\n');
    const reasons = (await readFile(join(folder, 'rows.ndjson.rejects'), 'utf8')).trim().split('\n').map((line) => (JSON.parse(line) as { problems: { path: string }[] }).problems.map(({ path }) => path).sort());
    expect(reasons).toEqual([['event_id'], ['event_id', 'occurred_at', 'status', 'weather']]);
    const [row] = await rowsOf(service.database, "event_id = 'new-1'");
    expect(JSON.stringify(row)).not.toContain('ada@example.com');
    expect(row?.customer_id).toMatch(/^sha256:/);
  });

  test('needs the token of operators', async () => {
    const guarded = await startApi({ ...service.parts, environment: { ...service.parts.environment, HEADGATE_OPERATOR_TOKEN: 'an-operator-token', HEADGATE_READ_TOKEN: 'a-reading-token' } }, undefined);
    try {
      expect((await headgate(['import', 'exposures', 'reports.ndjson'], { url: guarded.url })).errors).toContain('HEADGATE_OPERATOR_TOKEN');
      expect((await headgate(exporting('csv', 'guarded'), { url: guarded.url })).errors).toContain('HEADGATE_READ_TOKEN');
      expect((await headgate(exporting('csv', 'guarded'), { url: guarded.url, environment: { HEADGATE_READ_TOKEN: 'a-reading-token' } })).status).toBe(0);
    } finally {
      await guarded.stop();
    }
  });
});
