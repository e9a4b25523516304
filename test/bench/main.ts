/**
 * `npm run bench`: each number beside its baseline, measured in turns in one run, because these ratios are what holds on
 * another machine. Writes bench/results.json and prints a table. Options: --quick (less of everything, under 3 minutes),
 * --only NAME (one section, whose rows replace those of the last run).
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { findTemporalBinary } from '../../src/embedded/index.ts';
import { benchAlert } from './alert.ts';
import { benchBurst } from './burst.ts';
import { benchCost } from './cost.ts';
import { benchCrowd } from './crowd.ts';
import { benchBusyDoor, benchDoor } from './door.ts';
import { benchExportFiles } from './export-files.ts';
import { describeMachine, machineLine } from './machine.ts';
import { benchExport } from './export.ts';
import { benchMemory } from './memory.ts';
import { benchPushRate } from './push-rate.ts';
import { benchReports } from './reports.ts';
import type { Row } from './row.ts';
import { withServers, type BenchServers } from './servers.ts';
import { tableOf } from './table.ts';
import { benchWorkflows } from './workflows.ts';

const RESULTS = 'bench/results.json';
const quick = process.argv.includes('--quick');
const only = process.argv.includes('--only') ? process.argv[process.argv.indexOf('--only') + 1] : undefined;
const say = (line: string): void => void process.stdout.write(`${line}\n`);

interface Section {
  name: string;
  what: string;
  run: (servers: BenchServers) => Promise<Row[]>;
}

const SECTIONS: readonly Section[] = [
  { name: 'door', what: 'The door against a bare server', run: (servers) => benchDoor(servers, quick ? 2 : 7, quick ? 3 : 6) },
  { name: 'busy-door', what: 'The door while relay and worker are at work', run: (servers) => benchBusyDoor(servers, quick ? 1 : 5, quick ? 4 : 8) },
  { name: 'reports', what: 'The reporting feed against a bare server', run: (servers) => benchReports(servers, quick ? 1 : 5, quick ? 3 : 6) },
  { name: 'burst', what: 'Bursts, with and without Temporal and the ledger', run: (servers) => benchBurst(servers, quick ? 4_000 : 20_000) },
  { name: 'workflows', what: 'Event workflows against empty ones', run: (servers) => benchWorkflows(servers, quick ? 1 : 5, quick ? 150 : 400) },
  { name: 'crowd', what: 'Removals alone and in a crowd', run: (servers) => benchCrowd(servers, quick ? 5_000 : 50_000, quick ? 5 : 40) },
  { name: 'push-rate', what: 'Pushes against posting the same bodies', run: (servers) => benchPushRate(servers, quick ? 10_000 : 100_000, quick ? 1 : 3) },
  { name: 'export', what: 'Exports to a warehouse against posting the same bodies', run: (servers) => benchExport(servers, quick ? 20_000 : 200_000, quick ? 1 : 3) },
  { name: 'alert', what: 'From breakage to message', run: (servers) => benchAlert(servers, quick ? 3 : 10) },
  { name: 'cost', what: 'What one event costs', run: (servers) => benchCost(servers, quick ? 1_000 : 10_000) },
  { name: 'memory', what: 'Memory with open windows', run: (servers) => benchMemory(servers, quick ? 200 : 5_000, quick ? 600 : 50_000) },
  { name: 'export-files', what: 'Memory of exports to files', run: (servers) => benchExportFiles(servers, quick ? 25_000 : 200_000, quick ? 50_000 : 1_000_000) },
];

const chosen = SECTIONS.filter(({ name }) => only === undefined || name === only);
if (chosen.length === 0) throw new Error(`there is no section ${only ?? ''}; there are ${SECTIONS.map(({ name }) => name).join(', ')}`);
const binary = await findTemporalBinary({ environment: process.env, say });
const measured: Record<string, Row[]> = only === undefined ? {} : await readResults();
for (const { name, what, run } of chosen) {
  say(`${what} …`);
  measured[name] = await withServers(binary.path, run);
}

const machine = describeMachine(quick);
await mkdir('bench', { recursive: true });
await writeFile(RESULTS, `${JSON.stringify({ machine, sections: measured }, null, 2)}\n`);
say(machineLine(machine));
say(tableOf(chosen.flatMap(({ name }) => measured[name] ?? [])));
say(`Written to ${RESULTS}.`);
process.exit();

async function readResults(): Promise<Record<string, Row[]>> {
  const text = await readFile(RESULTS, 'utf8').catch(() => '{}');
  return (JSON.parse(text) as { sections?: Record<string, Row[]> }).sections ?? {};
}
