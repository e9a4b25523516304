-- Noticing that the ledger or Temporal was restored from a backup (docs/backup.md).

-- How long this ledger has lived: a number that only grows, and that Temporal is told each minute.
create table lineage (
  single  boolean primary key default true check (single),
  ledger  uuid not null default gen_random_uuid(),
  beats   bigint not null default 0,
  beat_at timestamptz not null default clock_timestamp(),
  behind_at_beat bigint not null default 0
);
comment on table lineage is 'How long this ledger has lived: one row, with a number that only grows. Temporal is told each minute; whichever of the two has the smaller one was restored.';
comment on column lineage.behind_at_beat is 'At this number Temporal was last found to be behind.';

create table restores (
  restore_id bigint generated always as identity primary key,
  what       text not null check (what in ('ledger', 'temporal')),
  since      timestamptz,
  noticed_at timestamptz not null default clock_timestamp(),
  ended_at   timestamptz,
  outcome    text
);
create unique index restores_open on restores (what) where ended_at is null;
comment on table restores is 'When the ledger or Temporal was found to be older than the other, until they were reconciled.';
comment on column restores.since is 'What came after this may be missing in it; null: everything.';
