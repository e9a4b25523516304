/** Counts what the door answers, and adds it to the ledger's counts every few seconds. A process that is killed loses the last of them. */
import { DOOR_COUNT_MS, type DoorCount, type Feed, type Ledger } from '../ledger/index.ts';

const EVERY_MS = 5_000;

export class DoorCounter {
  readonly #ledger: Pick<Ledger, 'addDoorCounts'>;
  #counts = new Map<string, DoorCount>();
  #timer: NodeJS.Timeout | undefined;

  constructor(ledger: Pick<Ledger, 'addDoorCounts'>) {
    this.#ledger = ledger;
  }

  /** @param source a source of the registry, or `unknown` */
  add(source: string, feed: Feed, answer: string, count = 1): void {
    const at = Date.now() - (Date.now() % DOOR_COUNT_MS);
    const key = `${source}\n${feed}\n${answer}\n${String(at)}`;
    const own = this.#counts.get(key);
    if (own) own.count += count;
    else this.#counts.set(key, { source, feed, answer, at, count });
  }

  start(): void {
    this.#timer = setInterval(() => void this.flush(), EVERY_MS).unref();
  }

  /** Never fails: what the ledger does not take now it gets the next time. */
  async flush(): Promise<void> {
    const counts = [...this.#counts.values()];
    this.#counts = new Map();
    try {
      await this.#ledger.addDoorCounts(counts);
    } catch {
      for (const { source, feed, answer, at, count } of counts) {
        const key = `${source}\n${feed}\n${answer}\n${String(at)}`;
        const newer = this.#counts.get(key);
        this.#counts.set(key, { source, feed, answer, at, count: count + (newer?.count ?? 0) });
      }
    }
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.flush();
  }
}
