-- The schema that the migrations make; written by `npm run schema`, checked by test/ledger/schema.test.ts.

-- The budget of calls of each destination, shared by its syncs and by all workers.
create table accounts (
  destination text not null,
  rest_until timestamp with time zone not null default '1970-01-01 00:00:00+00'::timestamp with time zone,
  rest_cause text,
  next_call_at timestamp with time zone not null default '1970-01-01 00:00:00+00'::timestamp with time zone,
  constraint accounts_pkey PRIMARY KEY (destination)
);

-- A membership at one target: what is wanted there and how far the platform is.
create table deliveries (
  person_id text not null,
  destination text not null,
  audience_key text not null,
  wanted text not null,
  status text not null,
  revision integer not null,
  accepted text,
  accepted_revision integer,
  reason text,
  pending_since timestamp with time zone not null,
  settled_at timestamp with time zone,
  batch text,
  constraint deliveries_accepted_check CHECK ((accepted = ANY (ARRAY['in'::text, 'out'::text]))),
  constraint deliveries_pkey PRIMARY KEY (person_id, destination, audience_key),
  constraint deliveries_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'processing'::text, 'accepted'::text, 'rejected'::text, 'blocked'::text, 'held'::text]))),
  constraint deliveries_wanted_check CHECK ((wanted = ANY (ARRAY['in'::text, 'out'::text])))
);
CREATE INDEX deliveries_blocked ON public.deliveries USING btree (destination, audience_key, settled_at) WHERE (status = 'blocked'::text);
CREATE INDEX deliveries_pending ON public.deliveries USING btree (destination, audience_key, wanted, pending_since) WHERE (status = 'pending'::text);

-- What was decided for each event, once and for ever.
create table events (
  event_id text collate "C" not null,
  source text not null,
  name text not null,
  audience_key text,
  person_id text,
  occurred_at timestamp with time zone not null,
  received_at timestamp with time zone not null,
  claimed_at timestamp with time zone,
  status text not null,
  audience text,
  until timestamp with time zone,
  applied_at timestamp with time zone not null default now(),
  constraint events_audience_check CHECK ((audience = ANY (ARRAY['in'::text, 'out'::text]))),
  constraint events_pkey PRIMARY KEY (event_id),
  constraint events_status_check CHECK ((status = ANY (ARRAY['applied'::text, 'superseded'::text, 'held_out'::text, 'expired'::text, 'test'::text])))
);
CREATE INDEX events_person ON public.events USING btree (person_id, occurred_at);

-- One row per event, for the warehouse.
create table exposures (
  event_id text collate "C" not null,
  source text not null,
  name text not null,
  person_id text,
  customer_id text,
  audience_key text,
  occurred_at timestamp with time zone not null,
  received_at timestamp with time zone not null,
  status text not null,
  arm text,
  campaign_id text,
  campaign_name text,
  journey_id text,
  step_id text,
  message_variant text,
  delivery_id text,
  context jsonb not null default '{}'::jsonb,
  attributes jsonb not null default '{}'::jsonb,
  constraint exposures_pkey PRIMARY KEY (event_id)
);

-- The desired state of a person in an audience, with the event that decided it.
create table memberships (
  person_id text not null,
  audience_key text not null,
  state text not null,
  reason text not null,
  occurred_at timestamp with time zone not null,
  removal boolean not null,
  event_id text collate "C" not null,
  expires_at timestamp with time zone,
  arm text not null,
  revision integer not null,
  updated_at timestamp with time zone not null default now(),
  constraint memberships_arm_check CHECK ((arm = ANY (ARRAY['treatment'::text, 'holdout'::text]))),
  constraint memberships_pkey PRIMARY KEY (person_id, audience_key),
  constraint memberships_state_check CHECK ((state = ANY (ARRAY['in'::text, 'out'::text])))
);
CREATE INDEX memberships_in ON public.memberships USING btree (audience_key, expires_at) WHERE (state = 'in'::text);

-- Events whose workflow has yet to be started (or told that it may end).
create table outbox (
  seq bigint not null generated always as identity,
  event_id text collate "C" not null,
  action text not null,
  priority smallint not null,
  payload json,
  created_at timestamp with time zone not null default now(),
  constraint outbox_action_check CHECK ((action = ANY (ARRAY['start'::text, 'end'::text]))),
  constraint outbox_pkey PRIMARY KEY (priority, seq)
) with (autovacuum_vacuum_scale_factor=0.02, autovacuum_vacuum_threshold=1000);

-- Which person an alias belongs to; e-mails as SHA-256.
create table person_identifiers (
  kind text not null,
  value text not null,
  people text not null,
  person_id text not null,
  claimed_at timestamp with time zone not null,
  constraint person_identifiers_kind_check CHECK ((kind = ANY (ARRAY['customer_id'::text, 'cio_id'::text, 'email'::text]))),
  constraint person_identifiers_pkey PRIMARY KEY (kind, value, people)
);

-- Whoever the identifiers resolve to.
create table persons (
  person_id text not null,
  people text not null,
  customer_id text,
  merged_into text,
  identity_revision integer not null default 0,
  today jsonb not null default '{}'::jsonb,
  former jsonb not null default '{}'::jsonb,
  as_of timestamp with time zone not null default '1970-01-01 00:00:00+00'::timestamp with time zone,
  contacts text[] not null default '{}'::text[],
  consent jsonb,
  created_at timestamp with time zone not null default now(),
  constraint persons_pkey PRIMARY KEY (person_id)
);
CREATE INDEX persons_contacts ON public.persons USING gin (contacts);
CREATE INDEX persons_merged_into ON public.persons USING btree (merged_into) WHERE (merged_into IS NOT NULL);

-- Running api and worker processes with the registry they have loaded, so that two different ones are noticed.
create table processes (
  process_id text not null,
  role text not null,
  registry_hash text not null,
  seen_at timestamp with time zone not null default now(),
  constraint processes_pkey PRIMARY KEY (process_id)
);

-- Each call to a platform, written down before it is sent and finished after.
create table pushes (
  push_id uuid not null,
  destination text not null,
  audience_key text not null,
  operation text not null,
  person_ids text[] not null,
  revisions integer[] not null,
  started_at timestamp with time zone not null,
  deadline timestamp with time zone not null,
  finished_at timestamp with time zone,
  outcome text,
  accepted integer,
  rejected integer,
  request_id text,
  checks integer not null default 0,
  next_check_at timestamp with time zone,
  constraint pushes_operation_check CHECK ((operation = ANY (ARRAY['add'::text, 'remove'::text]))),
  constraint pushes_pkey PRIMARY KEY (push_id)
);
CREATE INDEX pushes_finished ON public.pushes USING btree (destination, audience_key, finished_at);
CREATE INDEX pushes_open ON public.pushes USING btree (destination, audience_key, deadline) WHERE (finished_at IS NULL);
CREATE INDEX pushes_processing ON public.pushes USING btree (destination, audience_key, next_check_at) WHERE ((finished_at IS NULL) AND (request_id IS NOT NULL));
CREATE INDEX pushes_started ON public.pushes USING btree (destination, audience_key, started_at);

-- What could not be understood or contradicts what is known; personal data replaced.
create table quarantine (
  id bigint not null generated always as identity,
  source text not null,
  reason text not null,
  event_id text,
  problems jsonb not null,
  body text not null,
  received_at timestamp with time zone not null,
  resolved_at timestamp with time zone,
  resolution text,
  constraint quarantine_pkey PRIMARY KEY (id),
  constraint quarantine_reason_check CHECK ((reason = ANY (ARRAY['invalid'::text, 'conflict'::text])))
);
CREATE INDEX quarantine_open ON public.quarantine USING btree (received_at) WHERE (resolved_at IS NULL);

-- How the sync of each target stands, as its workflow last reported.
create table targets (
  destination text not null,
  audience_key text not null,
  state text not null default 'ok'::text,
  paused boolean not null default false,
  cause text,
  cure text,
  failures integer not null default 0,
  since timestamp with time zone not null default now(),
  retry_at timestamp with time zone,
  last_success_at timestamp with time zone,
  match_rate text,
  constraint targets_pkey PRIMARY KEY (destination, audience_key),
  constraint targets_state_check CHECK ((state = ANY (ARRAY['ok'::text, 'throttled'::text, 'retrying'::text, 'stuck'::text, 'paused'::text])))
);
