/** Members to rows of Meta's multi-key schema. Pure. */
import type { Member, PushOperation } from '../destination.ts';
import { packRows, toTable, type PackedRows, type RowRules } from '../rows.ts';

/** At most this many rows a call: https://developers.facebook.com/documentation/ads-commerce/marketing-api/reference/custom-audience/users (read 2026-11). */
export const ROWS_PER_CALL = 10_000;

const RULES: RowRules = {
  columns: ['EXTERN_ID', 'MADID', 'EMAIL', 'PHONE', 'GEN', 'DOBY', 'DOBM', 'DOBD', 'LN', 'FN', 'FI', 'CT', 'ST', 'ZIP', 'COUNTRY'],
  findsAPerson: new Set(['EXTERN_ID', 'MADID', 'EMAIL', 'PHONE']),
  mayRepeat: new Set(['MADID', 'EMAIL', 'PHONE']),
  inEachRow: ['EXTERN_ID'],
  rowsPerCall: ROWS_PER_CALL,
  // Meta rejects a row with an empty EXTERN_ID, so rows with one and rows without never share a call.
  kindOf: (row) => row['EXTERN_ID'] !== undefined,
};

/** The body's `payload`. An unknown value is the empty string; null is refused. */
export interface Payload {
  schema: string[];
  data: string[][];
}

export interface MappedCall extends PackedRows {
  payload: Payload;
}

/** Puts one call together. */
export function mapCall(operation: PushOperation, members: readonly Member[]): MappedCall {
  const packed = packRows(operation, members, RULES);
  return { ...packed, payload: { schema: packed.columns, data: toTable(packed) } };
}
