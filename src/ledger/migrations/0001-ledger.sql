-- The ledger: what was decided for each event, the state that follows from it, and how far each platform is.
-- Times are timestamptz; event ids compare by code unit (COLLATE "C"), as the decision rule does.

create table events (
  event_id     text collate "C" primary key,
  source       text not null,
  name         text not null,
  audience_key text,
  person_id    text,
  occurred_at  timestamptz not null,
  received_at  timestamptz not null,
  claimed_at   timestamptz,
  status       text not null check (status in ('applied', 'superseded', 'held_out', 'expired', 'test')),
  audience     text check (audience in ('in', 'out')),
  until        timestamptz,
  applied_at   timestamptz not null default now()
);
comment on table events is 'What was decided for each event, once and for ever.';
comment on column events.claimed_at is 'What the body said, when it lay so far in the future that occurred_at was clamped to received_at.';
create index events_person on events (person_id, occurred_at);

create table persons (
  person_id         text primary key,
  people            text not null,
  customer_id       text,
  merged_into       text,
  identity_revision integer not null default 0,
  today             jsonb not null default '{}',
  former            jsonb not null default '{}',
  as_of             timestamptz not null default 'epoch',
  contacts          text[] not null default '{}',
  consent           jsonb,
  created_at        timestamptz not null default now()
);
comment on table persons is 'Whoever the identifiers resolve to.';
comment on column persons.people is 'Whose customer ids these are: the registry''s `people` of the source.';
comment on column persons.identity_revision is 'Grows when an alias went to another person, so that a transaction which found this person by it reads anew.';
comment on column persons.today is 'Identifiers per platform, as pushed by adds.';
comment on column persons.former is 'Identifiers per platform that earlier adds may have pushed; removals send them too.';
comment on column persons.contacts is 'Every alias but the customer id, and the hashes of every phone and advertising id, ever seen: finds others who share one.';
comment on column persons.as_of is 'Time of the event that last changed identifiers, contacts or consent.';
create index persons_contacts on persons using gin (contacts);
create index persons_merged_into on persons (merged_into) where merged_into is not null;

create table person_identifiers (
  kind       text not null check (kind in ('customer_id', 'cio_id', 'email')),
  value      text not null,
  people     text not null,
  person_id  text not null,
  claimed_at timestamptz not null,
  primary key (kind, value, people)
);
comment on table person_identifiers is 'Which person an alias belongs to; e-mails as SHA-256.';

create table memberships (
  person_id    text not null,
  audience_key text not null,
  state        text not null check (state in ('in', 'out')),
  reason       text not null,
  occurred_at  timestamptz not null,
  removal      boolean not null,
  event_id     text collate "C" not null,
  expires_at   timestamptz,
  arm          text not null check (arm in ('treatment', 'holdout')),
  revision     integer not null,
  updated_at   timestamptz not null default now(),
  primary key (person_id, audience_key)
);
comment on table memberships is 'The desired state of a person in an audience, with the event that decided it.';
create index memberships_in on memberships (audience_key, expires_at) where state = 'in';

create table deliveries (
  person_id         text not null,
  destination       text not null,
  audience_key      text not null,
  wanted            text not null check (wanted in ('in', 'out')),
  status            text not null check (status in ('pending', 'accepted', 'rejected', 'blocked', 'held')),
  revision          integer not null,
  accepted          text check (accepted in ('in', 'out')),
  accepted_revision integer,
  reason            text,
  pending_since     timestamptz not null,
  settled_at        timestamptz,
  primary key (person_id, destination, audience_key)
);
comment on table deliveries is 'A membership at one target: what is wanted there and how far the platform is.';
create index deliveries_pending on deliveries (destination, audience_key, wanted, pending_since) where status = 'pending';

create table pushes (
  push_id      uuid primary key,
  destination  text not null,
  audience_key text not null,
  operation    text not null check (operation in ('add', 'remove')),
  person_ids   text[] not null,
  revisions    integer[] not null,
  started_at   timestamptz not null,
  deadline     timestamptz not null,
  finished_at  timestamptz,
  outcome      text,
  accepted     integer,
  rejected     integer
);
comment on table pushes is 'Each call to a platform, written down before it is sent and finished after.';
create index pushes_open on pushes (destination, audience_key, deadline) where finished_at is null;
create index pushes_started on pushes (destination, audience_key, started_at);

create table targets (
  destination     text not null,
  audience_key    text not null,
  state           text not null default 'ok' check (state in ('ok', 'throttled', 'retrying', 'stuck', 'paused')),
  paused          boolean not null default false,
  cause           text,
  cure            text,
  failures        integer not null default 0,
  since           timestamptz not null default now(),
  retry_at        timestamptz,
  last_success_at timestamptz,
  primary key (destination, audience_key)
);
comment on table targets is 'How the sync of each target stands, as its workflow last reported.';

create table outbox (
  seq        bigint generated always as identity,
  event_id   text collate "C" not null,
  action     text not null check (action in ('start', 'end')),
  priority   smallint not null,
  payload    json,
  created_at timestamptz not null default now(),
  primary key (priority, seq)
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
comment on column outbox.payload is 'The input of the workflow, written and read whole, never looked into.';
comment on table outbox is 'Events whose workflow has yet to be started (or told that it may end).';

create table exposures (
  event_id        text collate "C" primary key,
  source          text not null,
  name            text not null,
  person_id       text,
  customer_id     text,
  audience_key    text,
  occurred_at     timestamptz not null,
  received_at     timestamptz not null,
  status          text not null,
  arm             text,
  campaign_id     text,
  campaign_name   text,
  journey_id      text,
  step_id         text,
  message_variant text,
  delivery_id     text,
  context         jsonb not null default '{}',
  attributes      jsonb not null default '{}'
);
comment on table exposures is 'One row per event, for the warehouse.';

create table quarantine (
  id           bigint generated always as identity primary key,
  source       text not null,
  reason       text not null check (reason in ('invalid', 'conflict')),
  event_id     text,
  problems     jsonb not null,
  body         text not null,
  received_at  timestamptz not null,
  resolved_at  timestamptz,
  resolution   text
);
comment on table quarantine is 'What could not be understood or contradicts what is known; personal data replaced.';
create index quarantine_open on quarantine (received_at) where resolved_at is null;

create table processes (
  process_id    text primary key,
  role          text not null,
  registry_hash text not null,
  seen_at       timestamptz not null default now()
);
comment on table processes is 'Running api and worker processes with the registry they have loaded, so that two different ones are noticed.';
