/** Times as answers have them. */

/** ISO 8601 of milliseconds since the epoch; null where there is no time. */
export const isoOrNull = (ms: number | null | undefined): string | null => (ms === null || ms === undefined ? null : new Date(ms).toISOString());
