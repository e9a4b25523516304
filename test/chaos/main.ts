/**
 * `npm run chaos`: real processes, recorded-like traffic, kills, pauses, cut wires, wrong clocks and failing platforms; then an
 * auditor compares what was acknowledged with what is. Exit status 1 when a promise was broken. docs/chaos.md says more.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { PromiseNumber } from './audit/findings.ts';
import { describeRows, countViolations } from './report.ts';
import { runChaos } from './run.ts';
import { SABOTAGES } from './sabotage.ts';
import { startServers } from './servers.ts';

const say = (line: string): void => void process.stdout.write(`${line}\n`);

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '1000' },
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e9)) },
    calm: { type: 'boolean', default: false },
    sabotage: { type: 'string' },
    keep: { type: 'boolean', default: false },
  },
});
const [events, minutes, seed] = [Number(values.events), Number(values.minutes), values.seed];
const broken = values.sabotage === undefined ? undefined : (Number(values.sabotage) as PromiseNumber);
if (!Number.isInteger(events) || events < 1 || !(minutes > 0) || (broken !== undefined && !(broken in SABOTAGES))) {
  say('Usage: npm run chaos -- [--events N] [--minutes M] [--seed S] [--calm] [--sabotage 1…10] [--keep]');
  process.exit(2);
}

const replay = `npm run chaos -- --events ${String(events)} --minutes ${String(minutes)} --seed ${seed}${values.calm ? ' --calm' : ''}${broken === undefined ? '' : ` --sabotage ${String(broken)}`}`;
if (broken !== undefined) say(`Broken on purpose: ${SABOTAGES[broken]}.`);
say(`Seed ${seed}. The same plan again: ${replay}`);
const starting = startServers(say);
let asked = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (asked) process.exit(130);
    asked = true;
    say('Stopping …');
    // What was started is killed when this process ends (left-behind.ts); its folder is removed first.
    void starting.then((started) => started.stop()).finally(() => process.exit(130));
  });
}

const servers = await starting;
let keep = values.keep;
try {
  const short = minutes < 1;
  const { rows, endings, evidence } = await runChaos(servers, {
    name: 'chaos',
    seed,
    events,
    lengthMs: minutes * 60_000,
    // A Temporal on a file starts some dozens of workflows a second.
    restWithinMs: broken === undefined ? 5 * 60_000 + events * 50 : 30_000,
    ...(broken === undefined ? {} : { sabotage: broken }),
    ...(values.calm ? {} : { disturbances: { everyMs: short ? 1_200 : 5_000, longestMs: short ? 4_000 : 20_000 } }),
    say,
  });
  const kinds = Object.entries(Object.groupBy(evidence.disturbances, ({ kind }) => kind)).map(([kind, all]) => `${kind} ${String(all.length)}`);
  if (kinds.length > 0) say(`Disturbances: ${kinds.join(', ')}.`);
  for (const ending of endings) say(`${ending}; it was started again.`);
  say(describeRows(rows));
  const count = countViolations(rows);
  keep ||= count > 0;
  if (keep) {
    await writeFile(join(servers.folder, 'evidence.json'), JSON.stringify({ ...evidence, members: [...evidence.members].map(([target, hashes]) => [target, [...hashes]]) }, null, 1));
    say(`Data, logs and evidence.json are kept in ${servers.folder}.`);
  }
  say(count === 0 ? 'No promise was broken.' : `${String(count)} violations. The same plan again: ${replay}`);
  process.exitCode = count === 0 ? 0 : 1;
} finally {
  await servers.stop(keep);
}
process.exit();
