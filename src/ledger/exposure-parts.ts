/** The parts of `exposures`: one a month, made ahead, so that old ones can be dropped or moved as a whole. */
import type { LedgerConnection } from './connection.ts';

/** How many months have a part before they begin. */
const MONTHS_AHEAD = 2;

interface Month {
  name: string;
  from: string;
  to: string;
}

/** The month of `now` and those after it, in UTC. */
export function monthsFrom(now: Date, ahead: number): Month[] {
  return Array.from({ length: ahead + 1 }, (_, index) => {
    const [from, to] = [index, index + 1].map((more) => new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + more)));
    const start = (from ?? now).toISOString();
    return { name: `exposures_${start.slice(0, 7).replace('-', '_')}`, from: start, to: (to ?? now).toISOString() };
  });
}

/**
 * Makes the parts that are missing. Rows that came before their month had one (nobody swept for months) move into it.
 * @returns the names of the parts that were made
 */
export async function prepareExposureParts(connection: LedgerConnection, now: Date): Promise<string[]> {
  const wanted = monthsFrom(now, MONTHS_AHEAD);
  const covered = await connection.use(async (client) => {
    const { rows } = await client.query<{ name: string; bound: string }>(
      `select c.relname as name, pg_get_expr(c.relpartbound, c.oid) as bound from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'exposures'::regclass`,
    );
    const before = Date.parse(/TO \('([^']+)'\)/.exec(rows.find(({ name }) => name === 'exposures_before')?.bound ?? '')?.[1] ?? '');
    return ({ name, from }: Month): boolean => rows.some((row) => row.name === name) || Date.parse(from) < before;
  });
  const missing = wanted.filter((month) => !covered(month));
  for (const { name, from, to } of missing) {
    await connection.transaction(async (client) => {
      await client.query("set local lock_timeout = '1s'");
      await client.query(`create table ${name} (like exposures including defaults)`);
      await client.query(
        `with late as (delete from exposures_later where occurred_at >= $1 and occurred_at < $2 returning *) insert into ${name} select * from late`,
        [from, to],
      );
      await client.query(`alter table exposures attach partition ${name} for values from ('${from}') to ('${to}')`);
    });
  }
  return missing.map(({ name }) => name);
}
