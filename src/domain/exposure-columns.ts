/** The analyst's row as files and other programs see it: its columns, in order. Pure. */
import type { JsonObject } from './event.ts';

/** `time` is ISO 8601 in UTC with milliseconds; `json` an object. */
export type ExposureColumnType = 'text' | 'time' | 'boolean' | 'json';

/** Every column of `exposures` but `written_by`, which is the ledger's own. New ones go to the end: files that are loaded by position stay right. */
export const EXPOSURE_COLUMNS = {
  event_id: 'text',
  caused_by: 'text',
  name: 'text',
  source: 'text',
  occurred_at: 'time',
  received_at: 'time',
  person_id: 'text',
  customer_id: 'text',
  cio_id: 'text',
  audience_key: 'text',
  status: 'text',
  outcome: 'text',
  reason: 'text',
  arm: 'text',
  channel: 'text',
  metric: 'text',
  campaign_id: 'text',
  campaign_name: 'text',
  broadcast_id: 'text',
  newsletter_id: 'text',
  transactional_message_id: 'text',
  trigger_id: 'text',
  trigger_event_id: 'text',
  journey_id: 'text',
  step_id: 'text',
  parent_step_id: 'text',
  message_variant: 'text',
  content_id: 'text',
  delivery_id: 'text',
  link_id: 'text',
  link_url: 'text',
  failure_reason: 'text',
  machine: 'boolean',
  context: 'json',
  attributes: 'json',
  imported_from: 'text',
} as const satisfies Record<string, ExposureColumnType>;

export type ExposureColumn = keyof typeof EXPOSURE_COLUMNS;

/** Columns that each row has a value in. */
export const REQUIRED_EXPOSURE_COLUMNS = ['event_id', 'name', 'occurred_at', 'received_at', 'status', 'context', 'attributes'] as const satisfies readonly ExposureColumn[];
type Required = (typeof REQUIRED_EXPOSURE_COLUMNS)[number];

interface Values {
  text: string;
  time: string;
  boolean: boolean;
  json: JsonObject;
}

/** One row, as JSON has it. */
export type ExposureRow = { [C in ExposureColumn]: Values[(typeof EXPOSURE_COLUMNS)[C]] | (C extends Required ? never : null) };
