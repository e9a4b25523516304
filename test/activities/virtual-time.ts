/**
 * Time that only the test moves, for the ledger and for the processes alike: hours pass at once, deadlines end when the story says so, and a
 * story goes the same way each time it is told.
 */
import type { TestDatabase } from '../support/database.ts';

const START_MS = Date.UTC(2026, 0, 1);

/** Stands before the one of Postgres in the search path. Each reading is a microsecond later than the one before, so that no two are equal. */
const CLOCK = `
create schema virtual;
create table virtual.clock (ms float8 not null);
insert into virtual.clock values (${String(START_MS)});
create sequence virtual.readings;
create function virtual.clock_timestamp() returns timestamptz language sql volatile as
  $$ select to_timestamp(ms / 1000.0) + nextval('virtual.readings') * interval '1 microsecond' from virtual.clock $$;
create function virtual.move_clock(float8) returns void language sql as
  $$ update virtual.clock set ms = greatest(ms, $1); select setval('virtual.readings', 1); $$;`;

export class VirtualTime {
  readonly #database: TestDatabase;
  #nowMs = START_MS;
  /** Called before time moves to the given moment: what happens until then happens now. */
  before: (ms: number) => void = () => undefined;

  private constructor(database: TestDatabase) {
    this.#database = database;
  }

  /** Before the first ledger is opened: connections that are open already keep the real clock, and have to ask for `virtual.clock_timestamp()`. */
  static async install(database: TestDatabase): Promise<VirtualTime> {
    await database.query(CLOCK);
    const name = new URL(database.url).pathname.slice(1);
    await database.query(`alter database ${name} set search_path = virtual, public, pg_catalog`);
    return new VirtualTime(database);
  }

  /** Milliseconds since the epoch. */
  get now(): number {
    return this.#nowMs;
  }

  async pass(ms: number): Promise<void> {
    this.before(this.#nowMs + ms);
    this.#nowMs += ms;
    await this.#database.query('select virtual.move_clock($1)', [this.#nowMs]);
  }
}
