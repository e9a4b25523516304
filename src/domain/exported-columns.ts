/** The columns of the analyst's rows that go to a warehouse: one list makes what is read, what is sent, and the warehouse's table. Pure. */
import { EXPOSURE_COLUMNS, REQUIRED_EXPOSURE_COLUMNS, type ExposureColumn, type ExposureColumnType } from './exposure-columns.ts';

export interface ExportedColumn {
  name: ExposureColumn;
  type: ExposureColumnType;
  /** No row is without it. */
  required: boolean;
  /** For analysts; shown in the warehouse. */
  description: string;
}

/** What says whose a row is; null in rows of persons who were erased, here as in the ledger (ledger/erase.ts). */
export const ANONYMOUS_COLUMNS = ['person_id', 'customer_id', 'cio_id', 'journey_id', 'delivery_id', 'trigger_event_id', 'link_url', 'failure_reason', 'context', 'attributes'] as const satisfies readonly ExposureColumn[];

/** Every row has them, also when its person is erased. */
const REQUIRED: readonly ExposureColumn[] = REQUIRED_EXPOSURE_COLUMNS.filter((name) => !ANONYMOUS_COLUMNS.some((one) => one === name));

const column = (name: ExposureColumn, description: string): ExportedColumn => ({ name, type: EXPOSURE_COLUMNS[name], required: REQUIRED.includes(name), description });

/** In the order of the warehouse's table. Only ever added to, at the end and not required: a table that is there cannot take others. */
export const EXPORTED_COLUMNS: readonly ExportedColumn[] = [
  column('event_id', "The event's id, or `<event_id>/expired`, `<event_id>/left/<audience_key>` … of what a decision brought about besides."),
  column('occurred_at', 'When it happened, as the sender says. The table is partitioned by its day.'),
  column('received_at', 'When Headgate received it.'),
  column('name', '`cio.audience_add`, `cio.audience_remove`, `cio.exposure`; `cio.report` of the reporting feed; `headgate.left`, `headgate.merged` of what was brought about.'),
  column('status', 'How the event was decided: `applied`, `superseded`, `held_out`, `expired`.'),
  column('outcome', '`entered`, `renewed`, `held_out`, `left`, `expired`, `absent`, `superseded`, `merged`; `reported`, `noted`. Null in rows of older versions.'),
  column('reason', 'Why somebody is in or out: `added`, `removed`, `excluded`, `consent_denied`, `expired`, `retired`, `reported`, `erased`.'),
  column('arm', '`treatment` or `holdout`.'),
  column('audience_key', 'The audience that was decided on.'),
  column('person_id', "Headgate's id of the person at that time; rows named `headgate.merged` say who became whom."),
  column('customer_id', "Customer.io's id of the person, as the event gave it."),
  column('cio_id', "Customer.io's own id of the person, as the event gave it."),
  column('source', 'The source of headgate.yaml that it came by.'),
  column('caused_by', "The event that brought this row about; null when the row is the event's own."),
  column('channel', '`email`, `push`, `sms` … as Customer.io says; null outside the reporting feed.'),
  column('metric', '`sent`, `opened`, `clicked` … as Customer.io says; of `cio.exposure` what the webhook calls it. Null elsewhere.'),
  column('campaign_id', 'Of Customer.io.'),
  column('campaign_name', 'Of Customer.io, at that time.'),
  column('journey_id', 'Of Customer.io.'),
  column('step_id', 'Of Customer.io.'),
  column('message_variant', 'Of Customer.io.'),
  column('delivery_id', 'Of Customer.io: one message to one person.'),
  column('broadcast_id', 'Of Customer.io.'),
  column('newsletter_id', 'Of Customer.io.'),
  column('transactional_message_id', 'Of Customer.io.'),
  column('trigger_id', 'Of Customer.io.'),
  column('trigger_event_id', 'Of Customer.io.'),
  column('parent_step_id', 'Of Customer.io.'),
  column('content_id', 'Of Customer.io.'),
  column('link_id', 'Of Customer.io: the link that was clicked.'),
  column('link_url', 'The address of the link that was clicked.'),
  column('failure_reason', 'Why a message failed, bounced or was dropped, as Customer.io says.'),
  column('machine', 'Opened or clicked by a program. Null where Customer.io does not say.'),
  column('imported_from', 'The file that brought the row, when it did not come by webhook.'),
  column('context', "The event's context as it was sent."),
  column('attributes', "The event's attributes as they were sent; of `headgate.merged` who was merged."),
];

/** What the ledger keeps of a row for itself. */
export const UNEXPORTED_COLUMNS: readonly string[] = ['written_by'];

/** Of the list above. Raised with it, and sent with each row. */
export const EXPOSURE_SCHEMA_VERSION = 1;

/** A row on its way: times as ISO 8601 in UTC with microseconds, JSON as text. */
export interface ExportedRow {
  eventId: string;
  occurredAt: string;
  values: Readonly<Record<string, string | boolean | null>>;
}
