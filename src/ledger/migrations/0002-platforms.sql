-- Platforms that decide later, requests that are split, and one budget of calls per account.

alter table deliveries drop constraint deliveries_status_check;
alter table deliveries add constraint deliveries_status_check check (status in ('pending', 'processing', 'accepted', 'rejected', 'blocked', 'held'));
alter table deliveries add column batch text;
comment on column deliveries.batch is 'Pushed together with the rows of the same batch and without any other: part of a request of which the platform refused some rows and does not say which.';
create index deliveries_blocked on deliveries (destination, audience_key, settled_at) where status = 'blocked';

alter table pushes add column request_id text;
alter table pushes add column checks integer not null default 0;
alter table pushes add column next_check_at timestamptz;
comment on column pushes.request_id is 'The platform''s id of a request that it decides later; `deadline` is then when it counts as lost.';
create index pushes_finished on pushes (destination, audience_key, finished_at);
create index pushes_processing on pushes (destination, audience_key, next_check_at) where finished_at is null and request_id is not null;

alter table targets add column match_rate text;
comment on column targets.match_rate is 'The platform''s word on how many of the last request''s people it knows.';

create table accounts (
  destination  text primary key,
  rest_until   timestamptz not null default 'epoch',
  rest_cause   text,
  next_call_at timestamptz not null default 'epoch'
);
comment on table accounts is 'The budget of calls of each destination, shared by its syncs and by all workers.';
comment on column accounts.rest_until is 'The platform asked to be left alone until then.';
comment on column accounts.next_call_at is 'When the calls that were taken so far would be used up at the allowed pace; may lie a burst ahead of now.';
