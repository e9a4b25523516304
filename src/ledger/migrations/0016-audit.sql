-- What operators did (docs/audit.md), in a table that only grows.

create table audit (
  audit_id   bigint generated always as identity primary key,
  action_id  text not null,
  at         timestamptz not null default clock_timestamp(),
  via        text not null check (via in ('api', 'console', 'cli', 'process')),
  who        text not null,
  credential text not null,
  address    text,
  action     text not null,
  subject    text not null,
  outcome    text not null check (outcome in ('begun', 'done', 'refused', 'failed')),
  detail     jsonb not null default '{}',
  key        text
);
create index audit_actions on audit (action_id);
create index audit_at on audit (at);
create unique index audit_key on audit (key);
comment on table audit is 'What operators did, and what came of it: written once, changed never.';
comment on column audit.action_id is 'Holds what was begun together with what came of it. One that was begun and has no other row was broken off.';
comment on column audit.credential is 'What shows that it was they: a token by its name, a sign-in, or nothing but their word.';
comment on column audit.subject is 'What it was done to: a target, an audience, an entry, an alert. Never a name of a person.';
comment on column audit.key is 'Of rows that Temporal brings, so that one which comes twice is one row.';

-- Nobody who has Headgate's own access to the ledger, by mistake or by a hole in it, rewrites what was done. Rows that are older than a
-- year may go (the sweep lets them go after two), and nothing else may. Whoever owns the table can take this away, and leaves a trace in Postgres' log.
create function keep_audit() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' then
    if old.at < clock_timestamp() - interval '365 days' then
      return old;
    end if;
  end if;
  raise exception 'the audit log is only written to: % is refused', lower(tg_op) using errcode = 'insufficient_privilege';
end $$;
comment on function keep_audit is 'Refuses every change of the audit log but new rows, and the deletion of those older than a year.';
create trigger audit_is_kept before update or delete on audit for each row execute function keep_audit();
create trigger audit_is_not_emptied before truncate on audit for each statement execute function keep_audit();
