/**
 * `npm run bench`: each number beside its baseline, measured in turns in one run, because these ratios are what holds on
 * another machine. Writes bench/results.json and prints a table. Options: --quick (one short round).
 */
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import Table from 'cli-table3';
import pg from 'pg';
import { findTemporalBinary, startPostgres, startTemporal } from '../../src/embedded/index.ts';
import { findFreePort } from '../../src/embedded/ports.ts';
import { migrate } from '../../src/ledger/index.ts';
import { SEARCH_ATTRIBUTES } from '../../src/workflows/contract.ts';
import { benchDoor } from './door.ts';
import type { Row } from './row.ts';
import { benchWorkflows } from './workflows.ts';

const quick = process.argv.includes('--quick');
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const folder = await mkdtemp(join(tmpdir(), 'headgate-bench-'));
await chmod(folder, 0o755);
const postgres = await startPostgres(folder);
/** A ledger of its own for each part, so that none works off what another left in the outbox. */
async function makeLedger(name: string): Promise<string> {
  const admin = new pg.Client({ connectionString: postgres.url });
  await admin.connect();
  await admin.query(`create database ${name}`);
  await admin.end();
  const url = Object.assign(new URL(postgres.url), { pathname: `/${name}` }).href;
  await migrate(url);
  return url;
}
const binary = await findTemporalBinary({ environment: process.env, say });
const temporal = await startTemporal({ binary: binary.path, folder, port: await findFreePort(), uiPort: await findFreePort(), searchAttributes: SEARCH_ATTRIBUTES });
const rows: Row[] = [];
try {
  say('The door against a bare server …');
  rows.push(...(await benchDoor(await makeLedger('door'), quick ? 2 : 5, quick ? 3 : 6)));
  say('Event workflows against empty ones …');
  rows.push(...(await benchWorkflows({ databaseUrl: await makeLedger('workflows'), temporalAddress: temporal.address }, quick ? 2 : 4, quick ? 150 : 400)));
} finally {
  await temporal.stop();
  await postgres.stop();
  await rm(folder, { recursive: true, force: true });
}

const machine = {
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  memory_gib: Math.round(totalmem() / 2 ** 30),
  node: process.version,
  system: `${process.platform} ${process.arch}`,
  at: new Date().toISOString(),
  quick,
};
await mkdir('bench', { recursive: true });
await writeFile('bench/results.json', `${JSON.stringify({ machine, rows }, null, 2)}\n`);

const number = (value: number | null): string => (value === null ? '–' : value >= 100 ? String(Math.round(value)) : value.toFixed(2));
const table = new Table({ head: ['what', 'value', 'baseline', 'ratio', 'bar', 'holds'], colWidths: [70, 22, 12, 8, 10, 7], wordWrap: true, style: { head: [], border: [] } });
for (const row of rows) {
  const bar = `${row.kind === 'least' ? '≥' : '≤'} ${String(row.bar)}${row.baseline === null ? '' : ' ×'}`;
  table.push([row.name, `${number(row.value)} ${row.unit}`, number(row.baseline), number(row.ratio), bar, row.holds ? 'yes' : 'NO']);
}
say(`${machine.cpu}, ${String(machine.cores)} cores, ${String(machine.memory_gib)} GiB, Node ${machine.node}`);
say(table.toString());
say('Written to bench/results.json.');
process.exit();
