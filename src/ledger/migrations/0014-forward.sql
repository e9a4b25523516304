-- Events that go to actions (`cio.forward`): what is to be sent, in which order, and what the tool answered.

alter table events add column action text;
comment on column events.action is 'Of a cio.forward: the action that it goes to.';

create table forwards (
  event_id text primary key,
  seq bigint generated always as identity,
  action text not null,
  person_id text,
  fields jsonb,
  state text not null default 'waiting' check (state in ('waiting', 'sent', 'refused', 'skipped')),
  attempts integer not null default 0,
  accepted_at timestamptz not null default clock_timestamp(),
  next_try_at timestamptz not null default clock_timestamp(),
  calling_until timestamptz,
  tried_at timestamptz,
  settled_at timestamptz,
  status integer,
  answer text,
  reason text
);
create index forwards_waiting on forwards (action, next_try_at, seq) where state = 'waiting';
create index forwards_in_order on forwards (action, person_id, seq) where state = 'waiting';
create index forwards_refused on forwards (action, seq) where state = 'refused';
create index forwards_person on forwards (person_id);
create index forwards_settled on forwards (settled_at) where settled_at is not null;
comment on table forwards is 'Events that go to actions: what is to be sent, and what the tool answered.';
comment on column forwards.seq is 'Order of acceptance; of one person the order in which an action with `ordered` sends.';
comment on column forwards.fields is 'What a template may use of the event; gone once it is sent.';
comment on column forwards.calling_until is 'A call is under way until then at the latest; nobody else sends it meanwhile.';
comment on column forwards.status is 'HTTP status of the last answer; null without one.';
comment on column forwards.answer is 'The beginning of the last answer''s body, without e-mail addresses and phone numbers.';

create table actions (
  action text primary key,
  paused boolean not null default false,
  sent bigint not null default 0,
  state text not null default 'ok',
  cause text,
  cure text,
  failures integer not null default 0,
  since timestamptz not null default clock_timestamp(),
  retry_at timestamptz,
  last_success_at timestamptz
);
comment on table actions is 'How the sending to each action stands.';
comment on column actions.sent is 'Events that the tool took, counted at the end of each turn: what a killed worker had sent is not in it.';
