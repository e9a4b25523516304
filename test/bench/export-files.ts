/** Memory of an export, which must not grow with what it exports: the command's and the api's, at their highest, and how fast it is. */
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { FORMATS, type Format } from '../../src/cli/files/formats.ts';
import { residentMegabytes } from './memory.ts';
import { CROWD_REGISTRY } from './registry.ts';
import { comparison, type Row } from './row.ts';
import type { BenchServers } from './servers.ts';
import { startSplitService, type SplitService } from './split-service.ts';

/** As a process of its own, without the one of bin/ that starts it. */
const COMMAND = "import { main } from './src/cli/main.ts'; await main(process.argv.slice(1));";
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const LOOK_EVERY_MS = 50;

/** A minute apart, so that `few` of them are a range of time. */
const FILL = `
insert into exposures (event_id, source, name, person_id, customer_id, occurred_at, received_at, status, outcome, channel, metric, campaign_id, delivery_id, link_url, context, attributes)
select 'bench-' || n, 'demo', 'cio.report', 'p_' || md5((n / 7)::text), 'c_' || n / 7, '2020-01-01'::timestamptz + n * interval '1 minute', now(), 'applied', 'reported', 'email', 'clicked', '7',
  md5(n::text), 'https://shop.example/products/' || n || '?utm_source=email',
  jsonb_build_object('campaign_id', '7', 'campaign_name', 'Cart abandoners', 'journey_id', md5('j' || n), 'step_id', '42', 'delivery_id', md5(n::text)),
  jsonb_build_object('value', n % 500, 'sku', 'BUNDLE-' || n % 90, 'note', repeat('x', (n % 100)::int))
from generate_series(1, $1::bigint) n`;

interface Measured {
  command: number;
  api: number;
  rowsPerSecond: number;
}

/** Exports so few and so many of the same rows, in each format. */
export async function benchExportFiles(servers: BenchServers, few: number, many: number): Promise<Row[]> {
  const client = new pg.Client({ connectionString: servers.databaseUrl });
  await client.connect();
  await client.query(FILL, [many]);
  await client.query('analyze exposures');
  await client.end();
  const service = await startSplitService(servers, CROWD_REGISTRY);
  const rows: Row[] = [];
  try {
    await exportRows(service, 'ndjson', few);
    for (const format of FORMATS) {
      const fewer = await exportRows(service, format, few);
      const more = await exportRows(service, format, many);
      const compare = (name: string, part: 'command' | 'api'): Row =>
        comparison(`highest memory of ${name} in an export of ${String(many)} rows as ${format}, against ${String(few)}`, 'MB', 1.3, [{ value: more[part], baseline: fewer[part] }], 'most');
      rows.push(compare('headgate export', 'command'), compare('the api', 'api'));
      rows.push(comparison(`exported as ${format}, of ${String(many)} rows, against ${String(few)}`, 'rows/s', null, [{ value: more.rowsPerSecond, baseline: fewer.rowsPerSecond }]));
    }
    return rows;
  } finally {
    await service.stop();
  }
}

async function exportRows(service: SplitService, format: Format, count: number): Promise<Measured> {
  const out = await mkdtemp(join(tmpdir(), 'headgate-bench-export-'));
  const until = new Date(Date.UTC(2020, 0, 1) + (count + 1) * 60_000).toISOString();
  const startedAt = performance.now();
  const child = spawn(process.execPath, ['--input-type=module', '--eval', COMMAND, '--', 'export', 'exposures', '--since', '2020-01-01', '--until', until, '--format', format, '--out', out, '--url', service.url], { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  let [command, api, running] = [0, 0, true];
  void ended.then(() => (running = false));
  while (running) {
    command = Math.max(command, await residentMegabytes(child.pid ?? 0).catch(() => 0));
    api = Math.max(api, await residentMegabytes(service.api.pid ?? 0));
    await Promise.race([ended, wait(LOOK_EVERY_MS)]);
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  if ((await ended) !== 0 || !output.includes(`${count.toLocaleString('en')} rows in`)) throw new Error(`the export of ${String(count)} rows went wrong: ${output} ${(await readdir(out)).join(', ')}`);
  await rm(out, { recursive: true });
  return { command, api, rowsPerSecond: count / seconds };
}
