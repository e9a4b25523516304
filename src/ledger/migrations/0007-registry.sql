-- What the ledger remembers of the registry, so that a changed one is noticed when a process starts.

create table audiences (
  audience_key text primary key,
  window_ms    bigint,
  window_since timestamptz,
  life         text not null default 'active' check (life in ('active', 'retiring', 'retired', 'kept')),
  life_since   timestamptz
);
comment on table audiences is 'The audiences that registries had, also those that are given up.';
comment on column audiences.window_ms is 'How long an add lasts, as the registry had it when a process started last; null without a window.';
comment on column audiences.window_since is 'When a process first had this window; null while no process has said so.';
comment on column audiences.life is '`retiring`: its members are let go. `retired`, `kept`: given up; whoever is in is taken out of the ledger.';

-- Reads that take long come first: changing a table keeps its users waiting until the end.
insert into audiences (audience_key) select distinct audience_key from memberships;
insert into targets (destination, audience_key) select distinct destination, audience_key from deliveries on conflict do nothing;

alter table targets add column platform_audience_id text;
alter table targets add column life text not null default 'active' check (life in ('active', 'absent', 'retiring', 'retired', 'kept'));
alter table targets add column life_since timestamptz;
alter table targets add column fill text not null default 'due' check (fill in ('due', 'running', 'done'));
comment on column targets.platform_audience_id is 'The platform''s own id of the audience, as the registry had it when a process started last.';
comment on column targets.life is '`absent`: a process has started without it while nobody was in it. `retiring`: gets no adds and lets everybody go. `retired`: emptied. `kept`: given up with the people in it.';
comment on column targets.fill is 'Whether the audience''s present members have become deliveries of this target.';

-- Targets that exist already had every member from the start.
update targets set fill = 'done';
