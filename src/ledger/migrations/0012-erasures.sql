-- Persons whom somebody had erased: what was done, and nothing of who they were.

create table erasures (
  erasure_id   text primary key,
  person_ids   text[] not null,
  requested_at timestamptz not null default now(),
  requested_by text not null,
  because      text,
  erased_at    timestamptz,
  finished_at  timestamptz,
  receipt      jsonb
);
create index erasures_open on erasures using gin (person_ids) where finished_at is null;
comment on table erasures is 'Persons whom somebody had erased: what was done, and nothing of who they were.';
comment on column erasures.erased_at is 'When the ledger let go of them; what exporters had read before may still be on its way then.';
comment on column erasures.person_ids is 'Headgate''s own ids, which stand for nobody once they are erased.';
