/** A ledger of the two audiences of the mission, on a database of its own. */
import { openLedger, type Ledger } from '../../src/ledger/index.ts';
import { createLogger } from '../../src/monitoring/logger.ts';
import { createDatabase, type TestDatabase } from './database.ts';
import { makePolicies } from './events.ts';

export interface TestLedger {
  database: TestDatabase;
  ledger: Ledger;
  stop: () => Promise<void>;
}

/** Every file that starts one stops it in `afterAll`. */
export async function startLedger(): Promise<TestLedger> {
  const database = await createDatabase();
  const ledger = openLedger({ url: database.url, policies: makePolicies(), logger: createLogger({ level: 'silent', pretty: false }), connections: 20 });
  return {
    database,
    ledger,
    stop: async () => {
      await ledger.close();
      await database.drop();
    },
  };
}
