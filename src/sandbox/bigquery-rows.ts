/** Whether a row of tabledata.insertAll is what its table takes. Pure. */

export interface Field {
  name: string;
  type: string;
  mode?: string;
  description?: string;
}

export interface RowError {
  reason: string;
  location: string;
  debugInfo: string;
  message: string;
}

export type Cell = string | number | null;

const DAY_MS = 86_400_000;
/** How far from today a streamed row may lie. Days; what Google takes is unconfirmed. */
const OLDEST_DAYS = 1_825;
const NEWEST_DAYS = 366;

export const invalid = (location: string, message: string): RowError => ({ reason: 'invalid', location, debugInfo: '', message });

/** The row's cells in the order of the fields, or everything that is wrong with it. */
export function readRow(json: unknown, fields: readonly Field[], { ignoreUnknown, partitionField }: { ignoreUnknown: boolean; partitionField: string | undefined }): { cells: Cell[] } | { errors: RowError[] } {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return { errors: [invalid('', 'the row is not an object')] };
  const given = json as Record<string, unknown>;
  const known = new Set(fields.map(({ name }) => name));
  const errors = ignoreUnknown ? [] : Object.keys(given).filter((name) => !known.has(name)).map((name) => invalid(name, `no such field: ${name}.`));
  const cells = fields.map((field): Cell => {
    const value = given[field.name];
    if (value === undefined || value === null) {
      if (field.mode === 'REQUIRED') errors.push(invalid(field.name, `Missing required field: ${field.name}.`));
      return null;
    }
    const cell = READ[field.type]?.(value);
    if (cell === undefined) errors.push(invalid(field.name, field.type === 'JSON' && typeof value === 'object' ? `This field: ${field.name} is not a record.` : `Could not convert value to ${field.type.toLowerCase()}.`));
    else if (field.name === partitionField && isFar(String(cell))) {
      errors.push(invalid(field.name, `Value for field ${field.name} is outside the allowed bounds. You can only stream to date range within ${String(OLDEST_DAYS)} days in the past and ${String(NEWEST_DAYS)} days in the future relative to the current date.`));
    }
    return cell ?? null;
  });
  return errors.length > 0 ? { errors } : { cells };
}

function isFar(time: string): boolean {
  const days = (Date.parse(time) - Date.now()) / DAY_MS;
  return days < -OLDEST_DAYS || days > NEWEST_DAYS;
}

const TIME = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z| UTC|[+-]\d{2}:\d{2})$/;

/** Undefined for what the type does not take. */
const READ: Readonly<Record<string, (value: unknown) => Cell | undefined>> = {
  STRING: (value) => (typeof value === 'string' ? value : undefined),
  TIMESTAMP: (value) => (typeof value === 'string' && TIME.test(value) ? new Date(value.replace(' UTC', 'Z')).toISOString() : undefined),
  BOOLEAN: (value) => (typeof value === 'boolean' ? Number(value) : undefined),
  INTEGER: (value) => (Number.isSafeInteger(Number(value)) && typeof value !== 'boolean' ? Number(value) : undefined),
  // By the older streaming API JSON travels as text.
  JSON: (value) => (typeof value === 'string' && isJson(value) ? value : undefined),
};

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
