/**
 * Holds transactions of the ledger open at a chosen point, in the database, so that it does not matter which process or connection runs them:
 * when they insert an event whose id begins with `held-`, or have inserted an alias whose value does. The writes of a batch come last in its
 * transaction, after everything is read, locked and merged.
 */
import pg from 'pg';
import type { TestDatabase } from './database.ts';
import { until } from './until.ts';

const TRIGGERS = `
create function hold_event() returns trigger language plpgsql as $$
  begin perform pg_advisory_xact_lock(hashtext(new.event_id)); return new; end $$;
create trigger hold before insert on events for each row when (starts_with(new.event_id, 'held-')) execute function hold_event();
create function hold_alias() returns trigger language plpgsql as $$
  begin perform pg_advisory_xact_lock(hashtext(new.value)); return new; end $$;
create trigger hold after insert on person_identifiers for each row when (starts_with(new.value, 'held-')) execute function hold_alias();`;

export class Gate {
  readonly #database: TestDatabase;

  private constructor(database: TestDatabase) {
    this.#database = database;
  }

  static async install(database: TestDatabase): Promise<Gate> {
    await database.query(TRIGGERS);
    return new Gate(database);
  }

  /** Runs the work while whoever inserts this id or alias waits. `first` must get there before `meanwhile` begins; it goes on once `meanwhile` has ended. */
  async hold<T>(name: string, first: () => Promise<T>, meanwhile: () => Promise<void>): Promise<T> {
    const holder = new pg.Client({ connectionString: this.#database.url });
    await holder.connect();
    try {
      await holder.query('select pg_advisory_lock(hashtext($1))', [name]);
      const running = first();
      running.catch(() => undefined);
      await this.waiting(1);
      await meanwhile();
      await holder.query('select pg_advisory_unlock(hashtext($1))', [name]);
      return await running;
    } finally {
      await holder.end();
    }
  }

  /** Until so many transactions of this database wait for a lock. */
  async waiting(count: number): Promise<void> {
    const ask = () => this.#database.query<{ n: number }>(`select count(*)::int as n from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`);
    await until(ask, ([row]) => row?.n === count);
  }
}
