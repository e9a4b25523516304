/** The table, the view that analysts read, and a row as JSON: all three from the one list of columns. Pure. */
import { createHash } from 'node:crypto';
import { EXPORTED_COLUMNS, EXPOSURE_SCHEMA_VERSION, type ExportedColumn, type ExportedRow } from '../../domain/exported-columns.ts';
import type { BigQuerySettings } from './settings.ts';

export interface TableField {
  name: string;
  type: 'STRING' | 'TIMESTAMP' | 'BOOLEAN' | 'JSON' | 'INTEGER';
  mode: 'REQUIRED' | 'NULLABLE';
  description: string;
}

const TYPES: Record<ExportedColumn['type'], TableField['type']> = { text: 'STRING', time: 'TIMESTAMP', boolean: 'BOOLEAN', json: 'JSON' };

export const TABLE_FIELDS: readonly TableField[] = [
  ...EXPORTED_COLUMNS.map(({ name, type, required, description }): TableField => ({ name, type: TYPES[type], mode: required ? 'REQUIRED' : 'NULLABLE', description })),
  { name: 'exported_at', type: 'TIMESTAMP', mode: 'REQUIRED', description: 'When Headgate sent the row. Of an event that was sent twice, the view shows the row that was sent first.' },
  { name: 'schema_version', type: 'INTEGER', mode: 'REQUIRED', description: 'Of the list of columns that the row was made with; columns that came later are null in it.' },
];

/** The other names of types that BigQuery may answer with. */
const ALIASES: Readonly<Record<string, string>> = { BOOL: 'BOOLEAN', INT64: 'INTEGER' };
export const typeName = (type: string): string => ALIASES[type] ?? type;

export const PARTITION_FIELD = 'occurred_at';
/** At most four: https://docs.cloud.google.com/bigquery/docs/clustered-tables (the project's facts of 2026-11). */
export const CLUSTERING_FIELDS = ['audience_key', 'campaign_id', 'person_id', 'name'];

const reference = ({ project, dataset }: BigQuerySettings, tableId: string): object => ({ projectId: project, datasetId: dataset, tableId });

export const datasetResource = ({ project, dataset, location }: BigQuerySettings): object => ({
  datasetReference: { projectId: project, datasetId: dataset }, location, description: 'Exposures of Headgate: what was decided for whom, and when.',
});

export const tableResource = (settings: BigQuerySettings): object => ({
  tableReference: reference(settings, settings.table),
  description: `Rows as Headgate sent them; one may be here twice. Read the view ${settings.view} instead.`,
  schema: { fields: TABLE_FIELDS },
  timePartitioning: { type: 'DAY', field: PARTITION_FIELD, ...(settings.partition_expiration === undefined ? {} : { expirationMs: String(settings.partition_expiration * 86_400_000) }) },
  clustering: { fields: CLUSTERING_FIELDS },
});

/** A view that begins otherwise is somebody's own, and is left alone. */
export const VIEW_MARK = '-- Made by Headgate, which replaces it when columns are added. Without this line it is yours.';

/** @param columns of the table, which may have more than this version knows */
export function viewQuery({ project, dataset, table }: BigQuerySettings, columns: readonly string[]): string {
  return [
    VIEW_MARK,
    `SELECT ${columns.map((name) => `\`${name}\``).join(', ')}`,
    `FROM \`${project}.${dataset}.${table}\``,
    'WHERE TRUE',
    'QUALIFY ROW_NUMBER() OVER (PARTITION BY event_id ORDER BY exported_at) = 1',
  ].join('\n');
}

export const viewResource = (settings: BigQuerySettings, columns: readonly string[]): object => ({
  tableReference: reference(settings, settings.view),
  description: 'One row for each event and each decision on an audience (Headgate).',
  view: { query: viewQuery(settings, columns), useLegacySql: false },
});

/** A row of the request. Columns of JSON travel as text. What is null is left out. */
export function rowJson({ eventId, values }: ExportedRow, exportedAt: number, insertIdLength: number): string {
  let cells = '';
  for (const name in values) {
    const value = values[name];
    if (value !== null && value !== undefined) cells += `"${name}":${JSON.stringify(value)},`;
  }
  return `{"insertId":${JSON.stringify(insertIdOf(eventId, insertIdLength))},"json":{${cells}"exported_at":"${new Date(exportedAt).toISOString()}","schema_version":${String(EXPOSURE_SCHEMA_VERSION)}}}`;
}

/** The event's id, so that a row that is sent again within a minute is stored once; a hash of it when it is too long. */
export const insertIdOf = (eventId: string, longest: number): string => (eventId.length <= longest ? eventId : createHash('sha256').update(eventId).digest('hex'));
