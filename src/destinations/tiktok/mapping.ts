/** Members to the rows of `segment/mapping`. Pure. */
import type { Identifier } from '../../domain/identifiers.ts';
import type { Member, PushOperation } from '../destination.ts';
import { packRows, type PackedRows } from '../rows.ts';
import { EMAIL_WITHOUT_TAG, PHONE_DIGITS } from './identify.ts';
import type { TiktokSettings } from './settings.ts';

const COLUMNS = ['EMAIL_SHA256', 'PHONE_SHA256', 'IDFA_SHA256', 'AAID_SHA256'];

interface Cell {
  id: string;
  audience_ids: string[];
}

export interface MappingBody {
  advertiser_ids: string[];
  action: 'add' | 'delete';
  id_schema: string[];
  /** One row a person; a missing identifier is the empty object, so that the columns stay aligned with `id_schema`. */
  batch_data: (Cell | Record<string, never>)[][];
}

export interface MappedCall extends PackedRows {
  body: MappingBody;
}

/** Puts one call together. */
export function mapCall(settings: TiktokSettings, operation: PushOperation, audienceId: string, members: readonly Member[]): MappedCall {
  const chosen = members.map((member): Member => ({ ...member, today: choose(settings, member.today), former: choose(settings, member.former) }));
  const packed = packRows(operation, chosen, { columns: COLUMNS, findsAPerson: new Set(COLUMNS), mayRepeat: new Set(COLUMNS), inEachRow: [], rowsPerCall: settings.rows_per_call });
  const body: MappingBody = {
    advertiser_ids: [settings.advertiser_id],
    action: operation === 'add' ? 'add' : 'delete',
    id_schema: packed.columns,
    batch_data: packed.rows.map((row) => packed.columns.map((column) => (row[column] === undefined ? {} : { id: row[column], audience_ids: [audienceId] }))),
  };
  return { ...packed, body };
}

/** The forms that the settings ask for, under the column's own name. */
function choose({ email_plus_tag: tag, phone_format: format }: TiktokSettings, identifiers: readonly Identifier[]): Identifier[] {
  const replaced = new Map<string, string>();
  if (tag === 'remove') replaced.set(EMAIL_WITHOUT_TAG, 'EMAIL_SHA256');
  if (format === 'digits') replaced.set(PHONE_DIGITS, 'PHONE_SHA256');
  const given = new Set(identifiers.flatMap(({ type }) => replaced.get(type) ?? []));
  return identifiers.flatMap(({ type, value }) => {
    const column = replaced.get(type);
    if (column !== undefined) return [{ type: column, value }];
    return given.has(type) ? [] : [{ type, value }];
  });
}
