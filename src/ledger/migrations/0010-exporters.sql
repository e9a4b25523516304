-- Exports of exposures to warehouses: how far each one is, and the rows that a warehouse refuses.

create table exporters (
  exporter text primary key,
  cluster text not null,
  written_by bigint not null default -1,
  event_id text collate "C" not null default '',
  exported_rows bigint not null default 0,
  paused boolean not null default false,
  state text not null default 'ok',
  cause text,
  cure text,
  failures integer not null default 0,
  since timestamptz not null default clock_timestamp(),
  retry_at timestamptz,
  last_success_at timestamptz,
  caught_up_at timestamptz
);
comment on table exporters is 'How far each export of exposures is, and how it stands.';
comment on column exporters.cluster is 'The system identifier of the Postgres cluster whose transaction ids `written_by` counts.';
comment on column exporters.written_by is 'With event_id: the last row that the warehouse has. (-1, '''') is the beginning.';
comment on column exporters.caught_up_at is 'When nothing was left to send for the last time.';

create table parked_exposures (
  exporter text not null,
  event_id text collate "C" not null,
  occurred_at timestamptz not null,
  reason text not null,
  parked_at timestamptz not null default clock_timestamp(),
  retry boolean not null default false,
  primary key (exporter, event_id)
);
create index parked_exposures_retry on parked_exposures (exporter, event_id) where retry;
comment on table parked_exposures is 'Rows that a warehouse refuses as they are; kept until somebody has them tried again.';
