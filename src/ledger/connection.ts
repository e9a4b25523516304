/** The connection to Postgres: one pool, and a breaker that fails at once while the ledger does not answer. */
import pg from 'pg';
import type { Logger } from '../monitoring/logger.ts';
import { LedgerUnavailable } from './ledger-unavailable.ts';

/** How long a probe waits for `select 1`, and how often it asks while the ledger is down. Milliseconds. */
const PROBE_TIMEOUT_MS = 1_000;
const PROBE_EVERY_MS = 250;
/** A statement that takes longer than this has met a sleeping or cut-off Postgres; its connection is given up. Milliseconds. */
const STATEMENT_TIMEOUT_MS = 30_000;

/** Postgres error classes that say "not there" rather than "wrong": connection, insufficient resources, operator intervention. */
const UNAVAILABLE_CLASSES = new Set(['08', '53', '57']);

export interface LedgerConnectionOptions {
  url: string;
  logger: Logger;
  /** Most connections at once. Default 10. */
  connections?: number;
}

/** True for errors after which the same statement may succeed once Postgres is back. */
export function saysUnavailable(error: unknown): boolean {
  if (error instanceof LedgerUnavailable) return true;
  if (!(error instanceof Error)) return false;
  const code: unknown = (error as { code?: unknown }).code;
  if (typeof code === 'string') return UNAVAILABLE_CLASSES.has(code.slice(0, 2)) || /^E[A-Z]+$/.test(code);
  return /timeout|terminated|Connection/i.test(error.message);
}

/** True when a value itself is what Postgres cannot take (class 22, "data exception"): a NUL character in a text, a number or a day that does not exist. Trying again is of no use. */
export function saysUnstorable(error: unknown): boolean {
  const code: unknown = error instanceof Error ? (error as { code?: unknown }).code : undefined;
  return typeof code === 'string' && /^22[0-9A-Z]{3}$/.test(code);
}

export class LedgerConnection {
  readonly pool: pg.Pool;
  readonly #probe: pg.ClientConfig;
  readonly #logger: Logger;
  #down: LedgerUnavailable | undefined;
  #recovery: Promise<void> | undefined;
  #closed = false;

  constructor(options: LedgerConnectionOptions) {
    this.#logger = options.logger;
    this.#probe = { connectionString: options.url, connectionTimeoutMillis: PROBE_TIMEOUT_MS, query_timeout: PROBE_TIMEOUT_MS };
    this.pool = new pg.Pool({
      connectionString: options.url,
      max: options.connections ?? 10,
      connectionTimeoutMillis: PROBE_TIMEOUT_MS,
      query_timeout: STATEMENT_TIMEOUT_MS,
      idle_in_transaction_session_timeout: STATEMENT_TIMEOUT_MS,
      keepAlive: true,
      // Statements that do not need each other's answers go out together.
      pipeline: true,
      // Every statement that runs per batch finds its rows by an index. On a young ledger, whose tables have no statistics yet,
      // Postgres would plan (and keep) sequential scans for them.
      options: '-c enable_seqscan=off',
    });
    this.pool.on('error', (error) => {
      this.suspect(error);
    });
    // A connection that breaks while it is in use tells its client, and a client that nobody listens to ends the process.
    this.pool.on('connect', (client) => {
      client.on('error', (error) => {
        this.suspect(error);
      });
    });
  }

  get isUp(): boolean {
    return this.#down === undefined;
  }

  /** Runs `work` on one connection. Throws LedgerUnavailable at once while the ledger is known to be down. */
  async use<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    if (this.#down) throw this.#down;
    let client: pg.PoolClient | undefined;
    try {
      client = await this.pool.connect();
      const result = await work(client);
      client.release();
      return result;
    } catch (error) {
      const unavailable = saysUnavailable(error);
      client?.release(unavailable);
      if (!unavailable || error instanceof LedgerUnavailable) throw error;
      this.suspect(error);
      throw new LedgerUnavailable('the ledger (Postgres) does not answer', { cause: error });
    }
  }

  /**
   * Runs `work` in one transaction at READ COMMITTED; rolled back when it throws. Writes that `work` hands to `last` instead of
   * awaiting them travel together with the commit; when one of them fails, the commit does nothing and this throws.
   */
  async transaction<T>(work: (client: pg.PoolClient, last: (write: Promise<unknown>) => void) => Promise<T>): Promise<T> {
    return this.use(async (client) => {
      const answers: Promise<unknown>[] = [];
      const send = (query: Promise<unknown>): void => {
        query.catch(() => undefined);
        answers.push(query);
      };
      send(client.query('begin'));
      try {
        const result = await work(client, send);
        send(client.query('commit'));
        await Promise.all(answers);
        return result;
      } catch (error) {
        if (!saysUnavailable(error)) await client.query('rollback');
        throw error;
      }
    });
  }

  /** Says that the ledger seems not to answer: asks it, and fails everything at once until it does. */
  suspect(reason: unknown): void {
    if (this.#recovery || this.#closed) return;
    this.#recovery = this.#recover(reason).finally(() => {
      this.#recovery = undefined;
    });
  }

  /** Resolves when the ledger answers, at the latest after `ms`. Returns whether it does. */
  async whenUp(ms: number): Promise<boolean> {
    if (this.isUp) return true;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    await Promise.race([promise, this.#recovery]);
    clearTimeout(timer);
    return this.isUp;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.pool.end();
  }

  async #recover(reason: unknown): Promise<void> {
    if (await this.#answers()) return;
    this.#down = new LedgerUnavailable('the ledger (Postgres) does not answer', { cause: reason });
    this.#logger.error({ err: reason }, 'The ledger does not answer. Events go to the lifeboat until it does. Check Postgres and DATABASE_URL.');
    while (!this.#closed && !(await this.#answers())) await new Promise((resolve) => setTimeout(resolve, PROBE_EVERY_MS));
    this.#down = undefined;
    if (!this.#closed) this.#logger.info('The ledger answers again.');
  }

  async #answers(): Promise<boolean> {
    const client = new pg.Client(this.#probe);
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.query('select 1');
      return true;
    } catch {
      return false;
    } finally {
      client.end().catch(() => undefined);
    }
  }
}
