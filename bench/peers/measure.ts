/** Measuring one contender: a load for some seconds, and whether what it acknowledged is decided. */
import { load } from '../../test/bench/load.ts';
import { median } from '../../test/bench/row.ts';
import type { Contender, Place, Running } from './contender.ts';
import { countEvents, countSettledEvents } from './ledger-rows.ts';

export interface Started {
  contender: Contender;
  place: Place;
  running: Running;
}

export interface Measured {
  /** Decided acks a second. */
  rate: number;
  /** Milliseconds. */
  p99: number;
}

/** Throws when an answer is no 200, an acknowledged event is not in the ledger, or requests had to be repeated. */
export async function measure({ place, running }: Started, connections: number, seconds: number): Promise<Measured> {
  const before = await countEvents(place.databaseUrl);
  const { answers, rate, p99, repeated } = await load(running.url, { connections, seconds, ...(running.target ? { target: running.target } : {}) });
  const missing = before + (answers['200'] ?? 0) - (await countSettledEvents(place.databaseUrl));
  if (Object.keys(answers).some((status) => status !== '200')) throw new Error(`answers that are no 200 at ${String(connections)} connections: ${JSON.stringify(answers)}`);
  if (missing > 0) throw new Error(`${String(missing)} acknowledged events are not decided`);
  if (repeated > 0) throw new Error(`it takes more events than were made ahead (${String(repeated)} more): raise mostPerSecond in bench/peers/events.ts`);
  return { rate, p99 };
}

/** Rate by number of connections; 0 where it could not keep up. */
export type Tried = Map<number, number>;

/** Tries each number of connections in turns, so that a busy moment of the machine does not hit one number alone. */
export async function tryConnections(started: Started, numbers: readonly number[], passes: number, seconds: number): Promise<{ best: number; tried: Tried }> {
  const rates = new Map(numbers.map((connections): [number, number[]] => [connections, []]));
  let failure: unknown;
  for (let pass = 0; pass < passes; pass++) {
    for (const [connections, seen] of rates) {
      const measured = await measure(started, connections, seconds).catch((error: unknown) => {
        failure = error;
        return { rate: 0 };
      });
      seen.push(measured.rate);
    }
  }
  const tried: Tried = new Map([...rates].map(([connections, seen]) => [connections, median(seen)]));
  const [best, rate] = [...tried].reduce((a, b) => (b[1] > a[1] ? b : a));
  if (rate === 0) throw failure;
  return { best, tried };
}
