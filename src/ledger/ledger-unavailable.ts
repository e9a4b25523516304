/** Thrown when Postgres cannot be reached or does not answer. Not thrown for wrong statements or data. Safe to try again. */
export class LedgerUnavailable extends Error {
  override readonly name = 'LedgerUnavailable';
}
