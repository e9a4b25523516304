-- The schema that the migrations make; written by `npm run schema`, checked by test/ledger/schema.test.ts.

-- The budget of calls of each destination, shared by its syncs and by all workers.
create table accounts (
  destination text not null,
  rest_until timestamp with time zone not null default '1970-01-01 00:00:00+00'::timestamp with time zone,
  rest_cause text,
  next_call_at timestamp with time zone not null default '1970-01-01 00:00:00+00'::timestamp with time zone,
  constraint accounts_pkey PRIMARY KEY (destination)
);

-- How the sending to each action stands.
create table actions (
  action text not null,
  paused boolean not null default false,
  sent bigint not null default 0,
  state text not null default 'ok'::text,
  cause text,
  cure text,
  failures integer not null default 0,
  since timestamp with time zone not null default clock_timestamp(),
  retry_at timestamp with time zone,
  last_success_at timestamp with time zone,
  constraint actions_pkey PRIMARY KEY (action)
);

-- One row for each change that an owner is told of by a channel; those that are due together are one message.
create table alert_messages (
  message_id bigint not null generated always as identity,
  owner text not null,
  channel text not null,
  alert_id bigint not null,
  change text not null,
  level text not null,
  created_at timestamp with time zone not null,
  due_at timestamp with time zone not null,
  attempts integer not null default 0,
  last_error text,
  sent_at timestamp with time zone,
  dropped_at timestamp with time zone,
  constraint alert_messages_change_check CHECK ((change = ANY (ARRAY['raised'::text, 'worse'::text, 'recovered'::text, 'escalated'::text]))),
  constraint alert_messages_pkey PRIMARY KEY (message_id)
);
CREATE INDEX alert_messages_due ON public.alert_messages USING btree (due_at) WHERE ((sent_at IS NULL) AND (dropped_at IS NULL));
CREATE INDEX alert_messages_of ON public.alert_messages USING btree (alert_id);

-- One row from the time that a rule finds something until it is over, and after that for the history.
create table alerts (
  alert_id bigint not null generated always as identity,
  rule text not null,
  subject text not null,
  level text not null,
  finding jsonb not null,
  owners text[] not null,
  seen_at timestamp with time zone not null,
  last_seen_at timestamp with time zone not null,
  raised_at timestamp with time zone,
  level_since timestamp with time zone not null,
  recovered_at timestamp with time zone,
  acknowledged_at timestamp with time zone,
  acknowledged_by text,
  escalated_at timestamp with time zone,
  constraint alerts_level_check CHECK ((level = ANY (ARRAY['warning'::text, 'critical'::text]))),
  constraint alerts_pkey PRIMARY KEY (alert_id)
);
CREATE INDEX alerts_over ON public.alerts USING btree (recovered_at DESC) WHERE (recovered_at IS NOT NULL);
CREATE UNIQUE INDEX alerts_open ON public.alerts USING btree (rule, subject) WHERE (recovered_at IS NULL);

-- What platforms told of the size of each target, and what Headgate had there.
create table audience_sizes (
  destination text not null,
  audience_key text not null,
  read_at timestamp with time zone not null default clock_timestamp(),
  at_least integer,
  at_most integer,
  failure text,
  taken_in integer not null,
  entering integer not null,
  leaving integer not null,
  match_rate text,
  verdict text not null,
  message text not null,
  constraint audience_sizes_pkey PRIMARY KEY (destination, audience_key, read_at),
  constraint audience_sizes_verdict_check CHECK ((verdict = ANY (ARRAY['explained'::text, 'more'::text, 'fewer'::text, 'untold'::text, 'unread'::text])))
);

-- The audiences that registries had, also those that are given up.
create table audiences (
  audience_key text not null,
  window_ms bigint,
  window_since timestamp with time zone,
  life text not null default 'active'::text,
  life_since timestamp with time zone,
  holdout jsonb,
  rearm_after text,
  rearm_alone boolean not null default false,
  constraint audiences_life_check CHECK ((life = ANY (ARRAY['active'::text, 'retiring'::text, 'retired'::text, 'kept'::text]))),
  constraint audiences_pkey PRIMARY KEY (audience_key)
);

-- What operators did, and what came of it: written once, changed never.
create table audit (
  audit_id bigint not null generated always as identity,
  action_id text not null,
  at timestamp with time zone not null default clock_timestamp(),
  via text not null,
  who text not null,
  credential text not null,
  address text,
  action text not null,
  subject text not null,
  outcome text not null,
  detail jsonb not null default '{}'::jsonb,
  key text,
  constraint audit_outcome_check CHECK ((outcome = ANY (ARRAY['begun'::text, 'done'::text, 'refused'::text, 'failed'::text]))),
  constraint audit_pkey PRIMARY KEY (audit_id),
  constraint audit_via_check CHECK ((via = ANY (ARRAY['api'::text, 'console'::text, 'cli'::text, 'process'::text])))
);
CREATE INDEX audit_actions ON public.audit USING btree (action_id);
CREATE INDEX audit_at ON public.audit USING btree (at);
CREATE UNIQUE INDEX audit_key ON public.audit USING btree (key);

-- What was pending at each target, each five minutes while there was something. Kept for a week.
create table backlogs (
  destination text not null,
  audience_key text not null,
  at timestamp with time zone not null,
  adds integer not null,
  removes integer not null,
  still_targeted integer not null,
  constraint backlogs_pkey PRIMARY KEY (destination, audience_key, at)
);
CREATE INDEX backlogs_at ON public.backlogs USING btree (at);

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
  lost_revision integer,
  cause text,
  constraint deliveries_accepted_check CHECK ((accepted = ANY (ARRAY['in'::text, 'out'::text]))),
  constraint deliveries_pkey PRIMARY KEY (person_id, destination, audience_key),
  constraint deliveries_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'processing'::text, 'accepted'::text, 'rejected'::text, 'blocked'::text, 'held'::text]))),
  constraint deliveries_wanted_check CHECK ((wanted = ANY (ARRAY['in'::text, 'out'::text])))
);
CREATE INDEX deliveries_blocked ON public.deliveries USING btree (destination, audience_key, settled_at) WHERE (status = 'blocked'::text);
CREATE INDEX deliveries_guarded ON public.deliveries USING btree (destination, audience_key, wanted, pending_since) WHERE ((status = 'pending'::text) AND (cause IS NOT NULL));
CREATE INDEX deliveries_held ON public.deliveries USING btree (destination, audience_key, wanted) WHERE (status = 'held'::text);
CREATE INDEX deliveries_pending ON public.deliveries USING btree (destination, audience_key, wanted, pending_since) WHERE (status = 'pending'::text);

-- What the door answered, by source and five minutes. Kept for five weeks, so that an hour can be held against the same hour of earlier weeks.
create table door_counts (
  source text not null,
  feed text not null,
  answer text not null,
  at timestamp with time zone not null,
  count integer not null,
  constraint door_counts_feed_check CHECK ((feed = ANY (ARRAY['webhooks'::text, 'reporting'::text]))),
  constraint door_counts_pkey PRIMARY KEY (source, feed, answer, at)
);
CREATE INDEX door_counts_at ON public.door_counts USING btree (at);

-- Persons whom somebody had erased: what was done, and nothing of who they were.
create table erasures (
  erasure_id text not null,
  person_ids text[] not null,
  requested_at timestamp with time zone not null default now(),
  requested_by text not null,
  because text,
  erased_at timestamp with time zone,
  finished_at timestamp with time zone,
  receipt jsonb,
  constraint erasures_pkey PRIMARY KEY (erasure_id)
);
CREATE INDEX erasures_open ON public.erasures USING gin (person_ids) WHERE (finished_at IS NULL);

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
  action text,
  constraint events_audience_check CHECK ((audience = ANY (ARRAY['in'::text, 'out'::text]))),
  constraint events_pkey PRIMARY KEY (event_id),
  constraint events_status_check CHECK ((status = ANY (ARRAY['applied'::text, 'superseded'::text, 'held_out'::text, 'expired'::text, 'test'::text])))
);
CREATE INDEX events_person ON public.events USING btree (person_id, occurred_at);

-- How far each export of exposures is, and how it stands.
create table exporters (
  exporter text not null,
  cluster text not null,
  written_by bigint not null default '-1'::integer,
  event_id text collate "C" not null default ''::text,
  exported_rows bigint not null default 0,
  paused boolean not null default false,
  state text not null default 'ok'::text,
  cause text,
  cure text,
  failures integer not null default 0,
  since timestamp with time zone not null default clock_timestamp(),
  retry_at timestamp with time zone,
  last_success_at timestamp with time zone,
  caught_up_at timestamp with time zone,
  constraint exporters_pkey PRIMARY KEY (exporter)
);

-- One row for each event and each decision on an audience, for the warehouse (docs/analytics.md).
create table exposures (
  event_id text collate "C" not null,
  source text,
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
  channel text,
  metric text,
  outcome text,
  reason text,
  caused_by text collate "C",
  cio_id text,
  broadcast_id text,
  newsletter_id text,
  transactional_message_id text,
  trigger_id text,
  trigger_event_id text,
  parent_step_id text,
  content_id text,
  link_id text,
  link_url text,
  failure_reason text,
  machine boolean,
  imported_from text,
  written_by bigint not null default ((pg_current_xact_id())::text)::bigint,
  constraint exposures_pkey PRIMARY KEY (event_id, occurred_at)
) partition by RANGE (occurred_at);
CREATE INDEX exposures_audience ON ONLY public.exposures USING btree (audience_key, occurred_at) WHERE (audience_key IS NOT NULL);
CREATE INDEX exposures_campaign ON ONLY public.exposures USING btree (campaign_id, occurred_at) WHERE (campaign_id IS NOT NULL);
CREATE INDEX exposures_delivery ON ONLY public.exposures USING btree (delivery_id) WHERE (delivery_id IS NOT NULL);
CREATE INDEX exposures_person ON ONLY public.exposures USING btree (person_id, occurred_at);
CREATE INDEX exposures_time ON ONLY public.exposures USING btree (occurred_at, event_id);
CREATE INDEX exposures_unsent ON ONLY public.exposures USING btree (written_by, event_id);

-- Events that go to actions: what is to be sent, and what the tool answered.
create table forwards (
  event_id text not null,
  seq bigint not null generated always as identity,
  action text not null,
  person_id text,
  fields jsonb,
  state text not null default 'waiting'::text,
  attempts integer not null default 0,
  accepted_at timestamp with time zone not null default clock_timestamp(),
  next_try_at timestamp with time zone not null default clock_timestamp(),
  calling_until timestamp with time zone,
  tried_at timestamp with time zone,
  settled_at timestamp with time zone,
  status integer,
  answer text,
  reason text,
  constraint forwards_pkey PRIMARY KEY (event_id),
  constraint forwards_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'sent'::text, 'refused'::text, 'skipped'::text])))
);
CREATE INDEX forwards_in_order ON public.forwards USING btree (action, person_id, seq) WHERE (state = 'waiting'::text);
CREATE INDEX forwards_person ON public.forwards USING btree (person_id);
CREATE INDEX forwards_refused ON public.forwards USING btree (action, seq) WHERE (state = 'refused'::text);
CREATE INDEX forwards_settled ON public.forwards USING btree (settled_at) WHERE (settled_at IS NOT NULL);
CREATE INDEX forwards_waiting ON public.forwards USING btree (action, next_try_at, seq) WHERE (state = 'waiting'::text);

-- Waves that the guard holds, or held.
create table guard_holds (
  hold_id bigint not null generated always as identity,
  destination text not null,
  audience_key text not null,
  operation text not null,
  causes text[] not null,
  since timestamp with time zone not null default clock_timestamp(),
  noticed integer not null,
  audience_size integer not null,
  most integer not null,
  within_ms bigint not null,
  let_go_at timestamp with time zone,
  ended_at timestamp with time zone,
  ended_by text,
  ended_because text,
  let_go integer,
  constraint guard_holds_operation_check CHECK ((operation = ANY (ARRAY['add'::text, 'remove'::text]))),
  constraint guard_holds_pkey PRIMARY KEY (hold_id)
);
CREATE INDEX guard_holds_ended ON public.guard_holds USING btree (destination, audience_key, ended_at) WHERE (ended_at IS NOT NULL);
CREATE UNIQUE INDEX guard_holds_open ON public.guard_holds USING btree (destination, audience_key, operation) WHERE (ended_at IS NULL);

-- How long this ledger has lived: one row, with a number that only grows. Temporal is told each minute; whichever of the two has the smaller one was restored.
create table lineage (
  single boolean not null default true,
  ledger uuid not null default gen_random_uuid(),
  beats bigint not null default 0,
  beat_at timestamp with time zone not null default clock_timestamp(),
  behind_at_beat bigint not null default 0,
  constraint lineage_pkey PRIMARY KEY (single),
  constraint lineage_single_check CHECK (single)
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

-- Alerts that nobody wants to hear of for a while. `*` as subject: the whole rule.
create table mutes (
  rule text not null,
  subject text not null,
  until timestamp with time zone not null,
  by_whom text not null,
  constraint mutes_pkey PRIMARY KEY (rule, subject)
);

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

-- Rows that a warehouse refuses as they are; kept until somebody has them tried again.
create table parked_exposures (
  exporter text not null,
  event_id text collate "C" not null,
  occurred_at timestamp with time zone not null,
  reason text not null,
  parked_at timestamp with time zone not null default clock_timestamp(),
  retry boolean not null default false,
  constraint parked_exposures_pkey PRIMARY KEY (exporter, event_id)
);
CREATE INDEX parked_exposures_retry ON public.parked_exposures USING btree (exporter, event_id) WHERE retry;

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
  changes jsonb,
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
  key text,
  people text,
  event_name text,
  audience_key text,
  parts jsonb,
  resolved_by text,
  resolved_because text,
  replayed_as text collate "C",
  constraint quarantine_pkey PRIMARY KEY (id),
  constraint quarantine_reason_check CHECK ((reason = ANY (ARRAY['invalid'::text, 'conflict'::text])))
);
CREATE INDEX quarantine_open ON public.quarantine USING btree (received_at) WHERE (resolved_at IS NULL);
CREATE INDEX quarantine_open_ids ON public.quarantine USING btree (id) WHERE (resolved_at IS NULL);
CREATE INDEX quarantine_resolved ON public.quarantine USING btree (resolved_at) WHERE (resolved_at IS NOT NULL);
CREATE UNIQUE INDEX quarantine_key ON public.quarantine USING btree (key);

-- When the ledger or Temporal was found to be older than the other, until they were reconciled.
create table restores (
  restore_id bigint not null generated always as identity,
  what text not null,
  since timestamp with time zone,
  noticed_at timestamp with time zone not null default clock_timestamp(),
  ended_at timestamp with time zone,
  outcome text,
  constraint restores_pkey PRIMARY KEY (restore_id),
  constraint restores_what_check CHECK ((what = ANY (ARRAY['ledger'::text, 'temporal'::text])))
);
CREATE UNIQUE INDEX restores_open ON public.restores USING btree (what) WHERE (ended_at IS NULL);

-- What calls carried to each target, in steps of five minutes.
create table target_flow (
  destination text not null,
  audience_key text not null,
  at timestamp with time zone not null,
  operation text not null,
  cause text not null,
  calls integer not null default 0,
  members integer not null default 0,
  changes integer not null default 0,
  constraint target_flow_operation_check CHECK ((operation = ANY (ARRAY['add'::text, 'remove'::text]))),
  constraint target_flow_pkey PRIMARY KEY (destination, audience_key, at, operation, cause)
);
CREATE INDEX target_flow_at ON public.target_flow USING brin (at);

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
  attended_until timestamp with time zone,
  platform_audience_id text,
  life text not null default 'active'::text,
  life_since timestamp with time zone,
  fill text not null default 'due'::text,
  constraint targets_fill_check CHECK ((fill = ANY (ARRAY['due'::text, 'running'::text, 'done'::text]))),
  constraint targets_life_check CHECK ((life = ANY (ARRAY['active'::text, 'absent'::text, 'retiring'::text, 'retired'::text, 'kept'::text]))),
  constraint targets_pkey PRIMARY KEY (destination, audience_key),
  constraint targets_state_check CHECK ((state = ANY (ARRAY['ok'::text, 'throttled'::text, 'retrying'::text, 'stuck'::text, 'paused'::text])))
);

-- When something was last seen alive: the monitor.
create table watch (
  name text not null,
  at timestamp with time zone not null,
  constraint watch_pkey PRIMARY KEY (name)
);

-- Where a person falls, 0 to 1: below the share means held out. The salt is an audience's key, or holdout:<name> of a holdout over several audiences.
CREATE OR REPLACE FUNCTION public.holdout_position(salt text, person_id text)
 RETURNS double precision
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
RETURN ((((('x'::text || "left"(md5(((salt || ':'::text) || person_id)), 8)))::bit(32))::bigint)::double precision / ('4294967296'::bigint)::double precision);

-- Refuses every change of the audit log but new rows, and the deletion of those older than a year.
CREATE OR REPLACE FUNCTION public.keep_audit()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if tg_op = 'DELETE' then
    if old.at < clock_timestamp() - interval '365 days' then
      return old;
    end if;
  end if;
  raise exception 'the audit log is only written to: % is refused', lower(tg_op) using errcode = 'insufficient_privilege';
end $function$;

CREATE TRIGGER audit_is_kept BEFORE DELETE OR UPDATE ON public.audit FOR EACH ROW EXECUTE FUNCTION keep_audit();

CREATE TRIGGER audit_is_not_emptied BEFORE TRUNCATE ON public.audit FOR EACH STATEMENT EXECUTE FUNCTION keep_audit();

-- Who is in which audience now.
create view current_memberships as
 SELECT m.person_id,
    p.customer_id,
    m.audience_key,
    m.arm,
    m.reason,
    m.event_id,
    m.occurred_at AS added_at,
    m.expires_at
   FROM (memberships m
     JOIN persons p USING (person_id))
  WHERE (m.state = 'in'::text);

-- How much of what there was each day (UTC).
create view daily_exposures as
 SELECT ((e.occurred_at AT TIME ZONE 'utc'::text))::date AS day,
    e.name,
    e.channel,
    e.metric,
    e.audience_key,
    e.outcome,
    e.arm,
    (count(*))::integer AS rows,
    (count(DISTINCT COALESCE(s.survivor_id, e.person_id)))::integer AS persons
   FROM (exposures e
     LEFT JOIN surviving_persons s USING (person_id))
  GROUP BY (((e.occurred_at AT TIME ZONE 'utc'::text))::date), e.name, e.channel, e.metric, e.audience_key, e.outcome, e.arm;

-- What became of messages, from Customer.io's reporting feed: distinct deliveries of each campaign, broadcast, newsletter or transactional message, by step, channel and variant.
create view delivery_funnel as
 WITH deliveries_told AS (
         SELECT exposures.delivery_id,
            exposures.channel,
            max(exposures.campaign_id) AS campaign_id,
            max(exposures.campaign_name) AS campaign_name,
            max(exposures.broadcast_id) AS broadcast_id,
            max(exposures.newsletter_id) AS newsletter_id,
            max(exposures.transactional_message_id) AS transactional_message_id,
            max(exposures.step_id) AS step_id,
            max(COALESCE(exposures.message_variant, exposures.content_id)) AS variant,
            min(exposures.occurred_at) AS first_at,
            array_agg(exposures.metric) AS metrics,
            bool_or(((exposures.metric = 'opened'::text) AND (exposures.machine IS NOT TRUE))) AS opened_by_people,
            bool_or(((exposures.metric = 'opened'::text) AND exposures.machine)) AS opened_by_machines,
            bool_or(((exposures.metric = 'clicked'::text) AND (exposures.machine IS NOT TRUE))) AS clicked_by_people,
            bool_or(((exposures.metric = 'clicked'::text) AND exposures.machine)) AS clicked_by_machines
           FROM exposures
          WHERE ((exposures.name = 'cio.report'::text) AND (exposures.delivery_id IS NOT NULL))
          GROUP BY exposures.delivery_id, exposures.channel
        )
 SELECT campaign_id,
    max(campaign_name) AS campaign_name,
    broadcast_id,
    newsletter_id,
    transactional_message_id,
    step_id,
    channel,
    variant,
    (count(*))::integer AS deliveries,
    (count(*) FILTER (WHERE ('sent'::text = ANY (metrics))))::integer AS sent,
    (count(*) FILTER (WHERE ('delivered'::text = ANY (metrics))))::integer AS delivered,
    (count(*) FILTER (WHERE opened_by_people))::integer AS opened,
    (count(*) FILTER (WHERE (opened_by_machines AND (NOT opened_by_people))))::integer AS opened_by_machines_only,
    (count(*) FILTER (WHERE clicked_by_people))::integer AS clicked,
    (count(*) FILTER (WHERE (clicked_by_machines AND (NOT clicked_by_people))))::integer AS clicked_by_machines_only,
    (count(*) FILTER (WHERE ('converted'::text = ANY (metrics))))::integer AS converted,
    (count(*) FILTER (WHERE ('bounced'::text = ANY (metrics))))::integer AS bounced,
    (count(*) FILTER (WHERE (metrics && '{failed,dropped,undeliverable}'::text[])))::integer AS failed,
    (count(*) FILTER (WHERE (metrics && '{unsubscribed,spammed}'::text[])))::integer AS unsubscribed,
    min(first_at) AS first_at,
    max(first_at) AS last_at
   FROM deliveries_told
  GROUP BY campaign_id, broadcast_id, newsletter_id, transactional_message_id, step_id, channel, variant;

-- Every stay of a person in an audience, by the times of the events. An add that came too late to count (superseded, or over on arrival) makes none; rows that older versions wrote without an outcome make none either.
create view membership_intervals as
 WITH decisions AS (
         SELECT COALESCE(s.survivor_id, e.person_id) AS person_id,
            e.audience_key,
            e.occurred_at,
            e.event_id,
            e.caused_by,
            e.arm,
            e.outcome,
            e.reason,
                CASE
                    WHEN (e.name = 'headgate.rearmed'::text) THEN 'moves'::text
                    WHEN (e.outcome = ANY (ARRAY['entered'::text, 'renewed'::text, 'held_out'::text])) THEN 'enters'::text
                    ELSE 'leaves'::text
                END AS step
           FROM (exposures e
             LEFT JOIN surviving_persons s USING (person_id))
          WHERE ((e.audience_key IS NOT NULL) AND (e.person_id IS NOT NULL) AND ((e.outcome = ANY (ARRAY['entered'::text, 'renewed'::text, 'held_out'::text, 'left'::text])) OR ((e.outcome = 'expired'::text) AND (e.name = 'headgate.left'::text))))
        ), ordered AS (
         SELECT decisions.person_id,
            decisions.audience_key,
            decisions.occurred_at,
            decisions.event_id,
            decisions.caused_by,
            decisions.arm,
            decisions.outcome,
            decisions.reason,
            decisions.step,
                CASE decisions.step
                    WHEN 'enters'::text THEN 0
                    WHEN 'moves'::text THEN 1
                    ELSE 2
                END AS rank,
            count(*) FILTER (WHERE (decisions.step = 'enters'::text)) OVER by_time AS adds
           FROM decisions
          WINDOW by_time AS (PARTITION BY decisions.person_id, decisions.audience_key ORDER BY decisions.occurred_at,
                CASE decisions.step
                    WHEN 'enters'::text THEN 0
                    WHEN 'moves'::text THEN 1
                    ELSE 2
                END, decisions.event_id ROWS UNBOUNDED PRECEDING)
        ), with_add AS (
         SELECT ordered.person_id,
            ordered.audience_key,
            ordered.occurred_at,
            ordered.event_id,
            ordered.caused_by,
            ordered.arm,
            ordered.outcome,
            ordered.reason,
            ordered.step,
            ordered.rank,
            ordered.adds,
            first_value(ordered.event_id) OVER (PARTITION BY ordered.person_id, ordered.audience_key, ordered.adds ORDER BY ordered.occurred_at, ordered.rank, ordered.event_id) AS newest_add
           FROM ordered
        ), counted AS (
         SELECT with_add.person_id,
            with_add.audience_key,
            with_add.occurred_at,
            with_add.event_id,
            with_add.caused_by,
            with_add.arm,
            with_add.outcome,
            with_add.reason,
            with_add.step,
            with_add.rank,
            with_add.adds,
            with_add.newest_add,
            count(*) FILTER (WHERE (with_add.step = 'leaves'::text)) OVER (PARTITION BY with_add.person_id, with_add.audience_key ORDER BY with_add.occurred_at, with_add.rank, with_add.event_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS stay
           FROM with_add
          WHERE ((with_add.outcome <> 'expired'::text) OR (with_add.caused_by = with_add.newest_add))
        ), begun AS (
         SELECT counted.person_id,
            counted.audience_key,
            counted.occurred_at,
            counted.event_id,
            counted.caused_by,
            counted.arm,
            counted.outcome,
            counted.reason,
            counted.step,
            counted.rank,
            counted.adds,
            counted.newest_add,
            counted.stay,
            bool_or((counted.step = 'enters'::text)) OVER in_stay AS has_begun,
            lag(counted.arm) OVER in_stay AS former_arm
           FROM counted
          WINDOW in_stay AS (PARTITION BY counted.person_id, counted.audience_key, counted.stay ORDER BY counted.occurred_at, counted.rank, counted.event_id)
        ), parts AS (
         SELECT begun.person_id,
            begun.audience_key,
            begun.occurred_at,
            begun.event_id,
            begun.caused_by,
            begun.arm,
            begun.outcome,
            begun.reason,
            begun.step,
            begun.rank,
            begun.adds,
            begun.newest_add,
            begun.stay,
            begun.has_begun,
            begun.former_arm,
            count(*) FILTER (WHERE ((begun.step <> 'leaves'::text) AND (begun.arm IS DISTINCT FROM begun.former_arm))) OVER (PARTITION BY begun.person_id, begun.audience_key, begun.stay ORDER BY begun.occurred_at, begun.rank, begun.event_id) AS part
           FROM begun
          WHERE begun.has_begun
        ), intervals AS (
         SELECT parts.person_id,
            parts.audience_key,
            parts.stay,
            parts.part,
            min(parts.arm) FILTER (WHERE (parts.step <> 'leaves'::text)) AS arm,
            min(parts.occurred_at) AS entered_at,
            (array_agg(parts.event_id ORDER BY parts.occurred_at, parts.rank, parts.event_id) FILTER (WHERE (parts.step <> 'leaves'::text)))[1] AS entered_by,
            (count(*) FILTER (WHERE (parts.outcome = 'renewed'::text)))::integer AS renewals,
            max(parts.occurred_at) FILTER (WHERE (parts.step = 'leaves'::text)) AS left_at,
            max(parts.reason) FILTER (WHERE (parts.step = 'leaves'::text)) AS left_reason
           FROM parts
          GROUP BY parts.person_id, parts.audience_key, parts.stay, parts.part
        )
 SELECT person_id,
    audience_key,
    arm,
    entered_at,
    COALESCE(left_at, moved_at) AS left_at,
    COALESCE(left_reason,
        CASE
            WHEN (moved_at IS NOT NULL) THEN 'rearmed'::text
            ELSE NULL::text
        END) AS left_reason,
    entered_by,
    renewals
   FROM ( SELECT intervals.person_id,
            intervals.audience_key,
            intervals.stay,
            intervals.part,
            intervals.arm,
            intervals.entered_at,
            intervals.entered_by,
            intervals.renewals,
            intervals.left_at,
            intervals.left_reason,
            lead(intervals.entered_at) OVER (PARTITION BY intervals.person_id, intervals.audience_key, intervals.stay ORDER BY intervals.part) AS moved_at
           FROM intervals) i;

-- Each person that there ever was, with the one that it is today. Two persons turn out to be one when an event links their names.
create view surviving_persons as
 SELECT person_id,
    COALESCE(merged_into, person_id) AS survivor_id
   FROM persons;
