-- What the monitor sees and tells: answers of the door over time, backlogs over time, alerts, and the messages about them.

create table door_counts (
  source text not null,
  feed   text not null check (feed in ('webhooks', 'reporting')),
  answer text not null,
  at     timestamptz not null,
  count  integer not null,
  primary key (source, feed, answer, at)
);
comment on table door_counts is 'What the door answered, by source and five minutes. Kept for five weeks, so that an hour can be held against the same hour of earlier weeks.';
create index door_counts_at on door_counts (at);

create table backlogs (
  destination     text not null,
  audience_key    text not null,
  at              timestamptz not null,
  adds            integer not null,
  removes         integer not null,
  still_targeted  integer not null,
  primary key (destination, audience_key, at)
);
comment on table backlogs is 'What was pending at each target, each five minutes while there was something. Kept for a week.';
comment on column backlogs.still_targeted is 'People who should not be in the platform''s audience any more, and whom it has.';
create index backlogs_at on backlogs (at);

create table alerts (
  alert_id        bigint generated always as identity primary key,
  rule            text not null,
  subject         text not null,
  level           text not null check (level in ('warning', 'critical')),
  finding         jsonb not null,
  owners          text[] not null,
  seen_at         timestamptz not null,
  last_seen_at    timestamptz not null,
  raised_at       timestamptz,
  level_since     timestamptz not null,
  recovered_at    timestamptz,
  acknowledged_at timestamptz,
  acknowledged_by text,
  escalated_at    timestamptz
);
comment on table alerts is 'One row from the time that a rule finds something until it is over, and after that for the history.';
comment on column alerts.subject is 'What it is about, as the rule counts: a target, a destination, a source, an exporter.';
comment on column alerts.raised_at is 'When its owners were told; null while it has yet to be confirmed.';
comment on column alerts.finding is 'What the rule said last: what, since when, people affected, what to do.';
create unique index alerts_open on alerts (rule, subject) where recovered_at is null;
create index alerts_over on alerts (recovered_at desc) where recovered_at is not null;

create table alert_messages (
  message_id   bigint generated always as identity primary key,
  owner        text not null,
  channel      text not null,
  alert_id     bigint not null,
  change       text not null check (change in ('raised', 'worse', 'recovered', 'escalated')),
  level        text not null,
  created_at   timestamptz not null,
  due_at       timestamptz not null,
  attempts     integer not null default 0,
  last_error   text,
  sent_at      timestamptz,
  dropped_at   timestamptz
);
comment on table alert_messages is 'One row for each change that an owner is told of by a channel; those that are due together are one message.';
comment on column alert_messages.dropped_at is 'Nobody needed it any more: it was over before it was told, or could not be delivered for a day.';
create index alert_messages_due on alert_messages (due_at) where sent_at is null and dropped_at is null;
create index alert_messages_of on alert_messages (alert_id);

create table mutes (
  rule    text not null,
  subject text not null,
  until   timestamptz not null,
  by_whom text not null,
  primary key (rule, subject)
);
comment on table mutes is 'Alerts that nobody wants to hear of for a while. `*` as subject: the whole rule.';

create table watch (
  name text primary key,
  at   timestamptz not null
);
comment on table watch is 'When something was last seen alive: the monitor.';
