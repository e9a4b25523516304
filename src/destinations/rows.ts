/** Members to rows of named columns, for platforms that take tables. Pure. */
import type { Identifier } from '../domain/identifiers.ts';
import type { Member, PushOperation } from './destination.ts';

/** Column to value; what a person does not have is absent. */
export type Row = Partial<Record<string, string>>;

export interface RowRules {
  /** The order of columns. */
  columns: readonly string[];
  /** Any of these finds a person; the others only narrow a match down. */
  findsAPerson: ReadonlySet<string>;
  /** A person can have (had) several of these; each further value gets a row of its own. */
  mayRepeat: ReadonlySet<string>;
  /** Columns that such a further row has too. */
  inEachRow: readonly string[];
  rowsPerCall: number;
  /** Rows may share a call only when this says the same of both. Default: all may. */
  kindOf?: (row: Row) => unknown;
}

export interface PackedRows {
  rows: Row[];
  /** Index of the member that each row belongs to. */
  memberOfRow: number[];
  /** Columns that some row fills, in order. */
  columns: string[];
  carries: number[];
  unusable: { index: number; reason: string }[];
}

export const NO_IDENTIFIER = 'no usable identifier';

/**
 * As many members as fit into one call, never half of one. A removal has rows for former identifiers too. Members whose rows
 * are of another kind than the first one's are left for a later call.
 */
export function packRows(operation: PushOperation, members: readonly Member[], rules: RowRules): PackedRows {
  const rows: Row[] = [];
  const memberOfRow: number[] = [];
  const carries: number[] = [];
  const unusable: PackedRows['unusable'] = [];
  let kind: unknown;
  for (const [index, member] of members.entries()) {
    const own = rowsOf(operation, member, rules);
    const [first] = own;
    if (!first) {
      unusable.push({ index, reason: NO_IDENTIFIER });
      continue;
    }
    if (carries.length === 0) kind = rules.kindOf?.(first);
    else if (kind !== rules.kindOf?.(first)) continue;
    if (rows.length + own.length > rules.rowsPerCall) break;
    rows.push(...own);
    memberOfRow.push(...own.map(() => index));
    carries.push(index);
  }
  const columns = rules.columns.filter((column) => rows.some((row) => row[column] !== undefined));
  return { rows, memberOfRow, columns, carries, unusable };
}

/** The member's rows: one with everything of today, and one for each further value of an identifier that repeats. */
function rowsOf(operation: PushOperation, member: Member, rules: RowRules): Row[] {
  const first: Row = {};
  const further: Row[] = [];
  for (const { type, value } of identifiersOf(operation, member)) {
    if (!rules.columns.includes(type)) continue;
    if (first[type] === undefined) first[type] = value;
    else if (first[type] !== value && rules.mayRepeat.has(type)) further.push({ [type]: value });
  }
  if (!Object.keys(first).some((column) => rules.findsAPerson.has(column))) return [];
  const shared = Object.fromEntries(rules.inEachRow.flatMap((column) => (first[column] === undefined ? [] : [[column, first[column]]])));
  return [first, ...further.map((row): Row => ({ ...shared, ...row }))];
}

/** An add sends what the person goes by today; a removal also what earlier adds may have sent. */
export const identifiersOf = (operation: PushOperation, member: Member): readonly Identifier[] =>
  operation === 'remove' ? [...member.today, ...member.former] : member.today;

/** A table as arrays; the empty text stands for what a row does not have. */
export const toTable = ({ rows, columns }: PackedRows): string[][] => rows.map((row) => columns.map((column) => row[column] ?? ''));
