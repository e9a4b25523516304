/**
 * `npm run bench:peers`: decided acks a second at Headgate's door, against engines that decide event by event (README.md says
 * what that compares and what it does not). Installs the peers when they are missing, writes bench/results-peers.json and
 * prints a table. Options: --quick (less of everything, about two minutes). Exit status 1 when a peer could not be measured.
 */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { whenParentIsGone } from '../../src/embedded/index.ts';
import { Lifecycle } from '../../src/lifecycle.ts';
import { describeMachine, machineLine } from '../../test/bench/machine.ts';
import { comparison, limit, median, type Row } from '../../test/bench/row.ts';
import { tableOf } from '../../test/bench/table.ts';
import { makePlace, type Contender } from './contender.ts';
import { HEADGATE, PEERS } from './contenders.ts';
import { installPeers } from './install.ts';
import { checkRows } from './ledger-rows.ts';
import { measure, tryConnections, type Measured, type Started, type Tried } from './measure.ts';

const RESULTS = 'bench/results-peers.json';
const quick = process.argv.includes('--quick');
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const CONNECTIONS = quick ? [64, 256] : [16, 64, 128, 256, 500];
const [TRIES, TRY_SECONDS] = quick ? [1, 2] : [2, 4];
const [ROUNDS, ROUND_SECONDS] = quick ? [2, 3] : [7, 8];
const WARM_UP_SECONDS = quick ? 3 : 6;

/** A contender that is up, at the number of connections that serves it best. */
interface Ready {
  started: Started;
  life: Lifecycle;
  connections: number;
  tried: Tried;
  rounds: Measured[];
}

interface ReadyPeer extends Ready {
  bar: number | null;
}

const life = new Lifecycle(say);
/** By name: why a peer could not be measured. */
const failures: Record<string, string> = {};

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop(130));
void whenParentIsGone(process.env).then(() => stop(1));
try {
  await bench();
} catch (error) {
  say(error instanceof Error ? (error.stack ?? error.message) : String(error));
  await stop(1);
}
await stop(Object.keys(failures).length > 0 ? 1 : 0);

async function stop(code: number): Promise<never> {
  await life.stop();
  process.exit(code);
}

async function bench(): Promise<void> {
  await installPeers(say);
  const folder = await mkdtemp(join(tmpdir(), 'headgate-bench-'));
  life.started(folder, () => rm(folder, { recursive: true, force: true }));
  // Postgres may run as another user.
  await chmod(folder, 0o755);

  const headgate = await makeReady(HEADGATE, join(folder, 'headgate'), begin(HEADGATE));
  let peers: ReadyPeer[] = [];
  for (const [index, { peer, bar }] of PEERS.entries()) {
    const own = begin(peer);
    const up = await sparingOthers(peer, own, () => makeReady(peer, join(folder, String(index)), own));
    if (up) peers.push({ ...up, bar });
  }
  for (let round = 1; round <= ROUNDS && peers.length > 0; round++) {
    say(`Round ${String(round)} of ${String(ROUNDS)} …`);
    headgate.rounds.push(await measure(headgate.started, headgate.connections, ROUND_SECONDS));
    peers = await keepThose(peers, async ({ started, connections, rounds }) => rounds.push(await measure(started, connections, ROUND_SECONDS)));
  }
  await checkRows(headgate.started.place.databaseUrl);
  peers = await keepThose(peers, ({ started }) => checkRows(started.place.databaseUrl));
  await report(headgate, peers);
}

/** What it starts is stopped with the bench, or before. */
function begin({ name }: Contender): Lifecycle {
  const own = new Lifecycle(say);
  life.started(name, () => own.stop());
  return own;
}

async function makeReady(contender: Contender, folder: string, own: Lifecycle): Promise<Ready> {
  const place = await makePlace(folder, own);
  const started: Started = { contender, place, running: await contender.start(place) };
  // Connections are opened, statements planned, code compiled.
  await measure(started, Math.min(...CONNECTIONS), WARM_UP_SECONDS);
  const { best, tried } = await tryConnections(started, CONNECTIONS, TRIES, TRY_SECONDS);
  say(`${contender.name}, acks/s by connections: ${[...tried].map(([connections, rate]) => `${String(connections)}: ${rate.toFixed(0)}`).join(', ')}`);
  return { started, life: own, connections: best, tried, rounds: [] };
}

/** Does a part of the bench for a peer. When that fails it says so and stops the peer, and the others go on. */
async function sparingOthers<T>({ name }: Contender, own: Lifecycle, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    failures[name] = why;
    say(`${name} could not be measured: ${why}. The others go on.`);
    await own.stop();
    return undefined;
  }
}

/** Does it for one peer after the other; those that fail are left out from here on. */
async function keepThose(peers: readonly ReadyPeer[], work: (peer: ReadyPeer) => Promise<unknown>): Promise<ReadyPeer[]> {
  const kept: ReadyPeer[] = [];
  for (const peer of peers) {
    if (await sparingOthers(peer.started.contender, peer.life, () => work(peer).then(() => true))) kept.push(peer);
  }
  return kept;
}

async function report(headgate: Ready, peers: readonly ReadyPeer[]): Promise<void> {
  const rows: Row[] = peers.flatMap(({ started: { contender }, connections, rounds, bar }) => {
    const what = `decided acks at the door (${String(headgate.connections)} connections), against ${contender.name}: ${contender.how} (${String(connections)} connections)`;
    const pairs = rounds.map(({ rate }, round) => ({ value: headgate.rounds[round]?.rate ?? 0, baseline: rate }));
    return [comparison(what, 'acks/s', bar, pairs), limit(`… ${contender.name}: answered within (p99)`, 'ms', null, median(rounds.map(({ p99 }) => p99)))];
  });
  rows.push(limit('… Headgate: answered within (p99)', 'ms', null, median(headgate.rounds.map(({ p99 }) => p99))));
  const machine = describeMachine(quick);
  const tried = Object.fromEntries([headgate, ...peers].map((one) => [one.started.contender.name, Object.fromEntries(one.tried)]));
  await writeFile(RESULTS, `${JSON.stringify({ machine, rows, acks_per_second_by_connections: tried, failures }, null, 2)}\n`);
  say(machineLine(machine));
  say(tableOf(rows));
  for (const [name, why] of Object.entries(failures)) say(`Not measured: ${name}: ${why}.`);
  say(`Written to ${RESULTS}.`);
}
