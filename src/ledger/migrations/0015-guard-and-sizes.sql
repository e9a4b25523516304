-- The guard against waves of decisions (docs/decisions/0018-blast-radius-guard.md), what goes to each target over time, and what platforms tell of sizes.

alter table deliveries add column cause text;
comment on column deliveries.cause is 'Of what is not accepted yet: which campaign or source decided it, as far as the guard may hold that; null is never held.';
-- On a large ledger make these two by hand before the release (create index concurrently); then this does nothing.
create index if not exists deliveries_guarded on deliveries (destination, audience_key, wanted, pending_since) where status = 'pending' and cause is not null;
create index if not exists deliveries_held on deliveries (destination, audience_key, wanted) where status = 'held';

alter table pushes add column changes jsonb;
comment on column pushes.changes is 'How many of its members it lets in or out, and of those whom the guard counts, by what and when.';

-- What calls carried to each target, in steps of five minutes.
create table target_flow (
  destination  text not null,
  audience_key text not null,
  at           timestamptz not null,
  operation    text not null check (operation in ('add', 'remove')),
  cause        text not null,
  calls        integer not null default 0,
  members      integer not null default 0,
  changes      integer not null default 0,
  primary key (destination, audience_key, at, operation, cause)
);
create index target_flow_at on target_flow using brin (at);
comment on table target_flow is 'What calls carried to each target, in steps of five minutes.';
comment on column target_flow.changes is 'Members whom they let in or out: all at the empty cause, as calls and members, by the time of the call; those whom the guard counts at their cause, by the time of the decision.';

-- Waves that the guard holds, or held.
create table guard_holds (
  hold_id      bigint generated always as identity primary key,
  destination  text not null,
  audience_key text not null,
  operation    text not null check (operation in ('add', 'remove')),
  causes       text[] not null,
  since        timestamptz not null default clock_timestamp(),
  noticed      integer not null,
  audience_size integer not null,
  most         integer not null,
  within_ms    bigint not null,
  let_go_at    timestamptz,
  ended_at     timestamptz,
  ended_by     text,
  ended_because text,
  let_go       integer
);
create unique index guard_holds_open on guard_holds (destination, audience_key, operation) where ended_at is null;
create index guard_holds_ended on guard_holds (destination, audience_key, ended_at) where ended_at is not null;
comment on table guard_holds is 'Waves that the guard holds, or held.';
comment on column guard_holds.let_go_at is 'When they go by themselves; null: when somebody releases them.';

-- What platforms told of the size of each target, and what Headgate had there.
create table audience_sizes (
  destination  text not null,
  audience_key text not null,
  read_at      timestamptz not null default clock_timestamp(),
  at_least     integer,
  at_most      integer,
  failure      text,
  taken_in     integer not null,
  entering     integer not null,
  leaving      integer not null,
  match_rate   text,
  verdict      text not null check (verdict in ('explained', 'more', 'fewer', 'untold', 'unread')),
  message      text not null,
  primary key (destination, audience_key, read_at)
);
comment on table audience_sizes is 'What platforms told of the size of each target, and what Headgate had there.';
comment on column audience_sizes.at_least is 'The least that the platform tells; null where it tells none.';
comment on column audience_sizes.entering is 'Of those taken in, whom the platform need not show yet; leaving: taken out, and may be shown still.';
