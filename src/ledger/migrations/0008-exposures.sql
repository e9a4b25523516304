-- The analyst's table: by time, with what Customer.io's reporting feed says, and a row for every decision on an audience.

-- What exists becomes the first part, up to the month after the next one, as it is; newer months get parts of their own (ledger/exposure-parts.ts).
alter table exposures rename to exposures_before;
alter table exposures_before rename constraint exposures_pkey to exposures_before_pkey;
alter table exposures_before
  alter column source drop not null,
  add column channel text,
  add column metric text,
  add column outcome text,
  add column reason text,
  add column caused_by text collate "C",
  add column cio_id text,
  add column broadcast_id text,
  add column newsletter_id text,
  add column transactional_message_id text,
  add column trigger_id text,
  add column trigger_event_id text,
  add column parent_step_id text,
  add column content_id text,
  add column link_id text,
  add column link_url text,
  add column failure_reason text,
  add column machine boolean,
  add column imported_from text,
  add column written_by bigint not null default 0;
alter table exposures_before drop constraint exposures_before_pkey, add constraint exposures_before_pkey primary key (event_id, occurred_at);

create table exposures (like exposures_before including defaults, primary key (event_id, occurred_at)) partition by range (occurred_at);
do $$ begin
  execute format('alter table exposures attach partition exposures_before for values from (minvalue) to (%L)', date_trunc('month', now() at time zone 'utc') at time zone 'utc' + interval '2 months');
end $$;
create table exposures_later partition of exposures default;
-- Not for the rows that are there, which would be written anew.
alter table exposures alter column written_by set default (pg_current_xact_id()::text)::bigint;
alter table exposures_before alter column written_by set default (pg_current_xact_id()::text)::bigint;
alter table exposures_later alter column written_by set default (pg_current_xact_id()::text)::bigint;

create index exposures_person on exposures (person_id, occurred_at);
create index exposures_audience on exposures (audience_key, occurred_at) where audience_key is not null;
create index exposures_delivery on exposures (delivery_id) where delivery_id is not null;
create index exposures_campaign on exposures (campaign_id, occurred_at) where campaign_id is not null;
-- In the order in which exporters read.
create index exposures_unsent on exposures (written_by, event_id);

comment on table exposures is 'One row for each event and each decision on an audience, for the warehouse (docs/analytics.md).';
comment on column exposures.channel is '`email`, `push`, `sms`, `whatsapp`, `in_app`, `slack`, `webhook`, `customer`, as Customer.io says; null outside the reporting feed.';
comment on column exposures.metric is '`sent`, `opened`, `clicked` … as Customer.io says; of `cio.exposure` what the webhook calls it. Null elsewhere.';
comment on column exposures.machine is 'Opened or clicked by a program: prefetched, or told from a person by Customer.io. Null where it does not say.';
comment on column exposures.imported_from is 'The file that brought the row, when it did not come by webhook.';
comment on column exposures.written_by is 'The transaction that wrote the row; exporters go by it.';

