/** A target whose adds the guard holds, and whose size has drifted: for tests of what people are shown. */
import type { TargetRef } from '../../src/domain/registry.ts';
import type { Ledger } from '../../src/ledger/index.ts';
import type { TestDatabase } from './database.ts';

/** @param words of a campaign and of the platform, which come from outside */
export async function holdWave(database: TestDatabase, ledger: Ledger, { destination, audienceKey }: TargetRef, words: string): Promise<void> {
  await database.query("insert into guard_holds (destination, audience_key, operation, causes, noticed, audience_size, most, within_ms) values ($1, $2, 'add', $3, 4100, 1000, 3000, 3600000)", [destination, audienceKey, [`campaign:${words}`]]);
  await database.query("update deliveries set status = 'held' where destination = $1 and audience_key = $2", [destination, audienceKey]);
  await ledger.reportTarget({ destination, audienceKey }, { state: 'ok', failures: 0 });
  for (let reading = 0; reading < 2; reading++) {
    await ledger.noteSize({ destination, audienceKey, told: { atLeast: 9_000, atMost: 9_500 }, failure: null, takenIn: 1_200, entering: 0, leaving: 0, matchRate: null, verdict: 'more', message: `tells 9000 to 9500: ${words}` });
  }
}
