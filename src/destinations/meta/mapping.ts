/** Members to rows of Meta's multi-key schema. Pure. */
import type { Identifier } from '../../domain/identifiers.ts';
import type { Member, PushOperation } from '../destination.ts';

/** The order of columns; only those that some row of a call fills are sent. */
const COLUMNS = ['EXTERN_ID', 'MADID', 'EMAIL', 'PHONE', 'GEN', 'DOBY', 'DOBM', 'DOBD', 'LN', 'FN', 'CT', 'ST', 'ZIP', 'COUNTRY'] as const;
type Column = (typeof COLUMNS)[number];
type Row = Partial<Record<Column, string>>;

/** Any of these finds a person; names and places only narrow a match down. */
const FINDS_A_PERSON = new Set<string>(['EXTERN_ID', 'MADID', 'EMAIL', 'PHONE']);
/** A person can have had several of these; each gets a row of its own. */
const MAY_REPEAT = new Set<string>(['MADID', 'EMAIL', 'PHONE']);

/** At most this many rows a call: https://developers.facebook.com/documentation/ads-commerce/marketing-api/reference/custom-audience/users (read 2026-11). */
export const ROWS_PER_CALL = 10_000;

/** The body's `payload`. An unknown value is the empty string; null is refused. */
export interface Payload {
  schema: Column[];
  data: string[][];
}

export interface MappedCall {
  payload: Payload;
  /** Index of the member that each row of the payload belongs to. */
  memberOfRow: number[];
  carries: number[];
  unusable: { index: number; reason: string }[];
}

/**
 * Puts one call together. All rows of a call either have an EXTERN_ID or have none, because Meta rejects a row with an empty
 * one; members of the other kind are left for a later call. A removal has rows for former identifiers too.
 */
export function mapCall(operation: PushOperation, members: readonly Member[]): MappedCall {
  const rows: { row: Row; index: number }[] = [];
  const carries: number[] = [];
  const unusable: { index: number; reason: string }[] = [];
  let withExternalId: boolean | undefined;
  for (const [index, member] of members.entries()) {
    const own = rowsOf(operation, member);
    const [first] = own;
    if (!first) {
      unusable.push({ index, reason: 'no usable identifier' });
      continue;
    }
    withExternalId ??= first.EXTERN_ID !== undefined;
    if (withExternalId !== (first.EXTERN_ID !== undefined)) continue;
    if (rows.length + own.length > ROWS_PER_CALL) break;
    rows.push(...own.map((row) => ({ row, index })));
    carries.push(index);
  }
  const schema = COLUMNS.filter((column) => rows.some(({ row }) => row[column] !== undefined));
  return {
    payload: { schema, data: rows.map(({ row }) => schema.map((column) => row[column] ?? '')) },
    memberOfRow: rows.map(({ index }) => index),
    carries,
    unusable,
  };
}

/** The member's rows: one with everything of today, and one for each further value of an identifier that repeats. */
function rowsOf(operation: PushOperation, member: Member): Row[] {
  const identifiers = operation === 'remove' ? [...member.today, ...member.former] : member.today;
  const first: Row = {};
  const further: Row[] = [];
  for (const identifier of identifiers) {
    if (!isColumn(identifier)) continue;
    const column = identifier.type;
    if (first[column] === undefined) first[column] = identifier.value;
    else if (first[column] !== identifier.value && MAY_REPEAT.has(column)) further.push({ [column]: identifier.value });
  }
  if (!Object.keys(first).some((column) => FINDS_A_PERSON.has(column))) return [];
  const externalId = first.EXTERN_ID;
  return [first, ...further.map((row): Row => (externalId === undefined ? row : { EXTERN_ID: externalId, ...row }))];
}

const isColumn = (identifier: Identifier): identifier is { type: Column; value: string } =>
  (COLUMNS as readonly string[]).includes(identifier.type);
