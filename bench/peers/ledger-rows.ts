/** What a contender has left in its ledger: that an ack means decided, and that everybody makes the same decision. */
import pg from 'pg';

/** Rows that one decided add of a new person leaves in each table. */
const PER_EVENT: Readonly<Record<string, number>> = { events: 1, persons: 1, person_identifiers: 2, memberships: 1, deliveries: 3, exposures: 1, outbox: 1 };

async function countRows(databaseUrl: string, tables: readonly string[]): Promise<number[]> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<Record<string, number>>(`select ${tables.map((table) => `(select count(*)::int from ${table}) as ${table}`).join(', ')}`);
    return tables.map((table) => rows[0]?.[table] ?? 0);
  } finally {
    await client.end();
  }
}

export async function countEvents(databaseUrl: string): Promise<number> {
  const [events = 0] = await countRows(databaseUrl, ['events']);
  return events;
}

/** Events in the ledger once none has been added for half a second: what was on its way when a load ended has arrived. */
export async function countSettledEvents(databaseUrl: string): Promise<number> {
  for (let before = await countEvents(databaseUrl); ; ) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    const now = await countEvents(databaseUrl);
    if (now === before) return now;
    before = now;
  }
}

/** Throws when the rows are not those of the door's decision. */
export async function checkRows(databaseUrl: string): Promise<void> {
  const tables = Object.keys(PER_EVENT);
  const counts = await countRows(databaseUrl, tables);
  const events = counts[0] ?? 0;
  const wrong = tables.flatMap((table, index) => (counts[index] === events * (PER_EVENT[table] ?? 0) ? [] : [`${String(counts[index])} ${table}`]));
  if (events === 0 || wrong.length > 0) throw new Error(`${String(events)} events left ${wrong.join(', ') || 'nothing'}: not the decision that the door makes`);
}
