-- Shares of holdouts as the registry had them last, so that members are moved when they change; and what analysts read.

alter table audiences
  add column holdout jsonb,
  add column rearm_after text,
  add column rearm_alone boolean not null default false;
comment on column audiences.holdout is 'Shares by salt, as the newest process has them; null when none has said so yet.';
comment on column audiences.rearm_after is 'The person up to whom members were moved to the arm that these shares give; empty before the first one, null when all were.';
comment on column audiences.rearm_alone is 'Whether all processes ran the same registry when that walk began.';

create function holdout_position(salt text, person_id text) returns double precision
  language sql immutable strict parallel safe
  return ('x' || left(md5(salt || ':' || person_id), 8))::bit(32)::bigint / 4294967296::double precision;
comment on function holdout_position is 'Where a person falls, 0 to 1: below the share means held out. The salt is an audience''s key, or holdout:<name> of a holdout over several audiences.';

-- So that analysts need not be let into persons, which holds hashes of e-mails and phones.
create view surviving_persons as
select person_id, coalesce(merged_into, person_id) as survivor_id from persons;
comment on view surviving_persons is 'Each person that there ever was, with the one that it is today. Two persons turn out to be one when an event links their names.';
comment on column surviving_persons.person_id is 'A person as rows of `exposures` have it.';
comment on column surviving_persons.survivor_id is 'The person into whom it was merged, or itself.';

-- Members of today. Their rows in memberships are those of the person who survived a merge.
create view current_memberships as
select m.person_id, p.customer_id, m.audience_key, m.arm, m.reason, m.event_id, m.occurred_at as added_at, m.expires_at
from memberships m join persons p using (person_id)
where m.state = 'in';
comment on view current_memberships is 'Who is in which audience now.';
comment on column current_memberships.person_id is 'Headgate''s id of the person.';
comment on column current_memberships.customer_id is 'Your own id of the person; null when no event has said one.';
comment on column current_memberships.audience_key is 'The audience, with its version.';
comment on column current_memberships.arm is '`treatment`, or `holdout`: in, and never pushed.';
comment on column current_memberships.reason is '`added`.';
comment on column current_memberships.event_id is 'The newest add.';
comment on column current_memberships.added_at is 'When that add happened. The person may have been in before: see `membership_intervals`.';
comment on column current_memberships.expires_at is 'End of the window; null without one.';

-- Decisions are put in the order of what they are about, not of when they came: at equal times adds go first, as the decision rule has it.
create view membership_intervals as
with decisions as (
  select coalesce(s.survivor_id, e.person_id) as person_id, e.audience_key, e.occurred_at, e.event_id, e.caused_by, e.arm, e.outcome, e.reason,
         case when e.name = 'headgate.rearmed' then 'moves' when e.outcome in ('entered', 'renewed', 'held_out') then 'enters' else 'leaves' end as step
  from exposures e left join surviving_persons s using (person_id)
  -- Rows of persons who were erased are nobody's.
  where e.audience_key is not null and e.person_id is not null
    and (e.outcome in ('entered', 'renewed', 'held_out', 'left') or e.outcome = 'expired' and e.name = 'headgate.left')
), ordered as (
  select *, case step when 'enters' then 0 when 'moves' then 1 else 2 end as rank, count(*) filter (where step = 'enters') over by_time as adds
  from decisions
  window by_time as (partition by person_id, audience_key order by occurred_at, case step when 'enters' then 0 when 'moves' then 1 else 2 end, event_id rows unbounded preceding)
), with_add as (
  select *, first_value(event_id) over (partition by person_id, audience_key, adds order by occurred_at, rank, event_id) as newest_add from ordered
), counted as (
  -- A window that ended although a newer add had begun another one, which came later: the person came back into the same stay.
  select *, count(*) filter (where step = 'leaves') over (partition by person_id, audience_key order by occurred_at, rank, event_id rows between unbounded preceding and 1 preceding) as stay
  from with_add where outcome <> 'expired' or caused_by = newest_add
), begun as (
  select *, bool_or(step = 'enters') over in_stay as has_begun, lag(arm) over in_stay as former_arm
  from counted
  window in_stay as (partition by person_id, audience_key, stay order by occurred_at, rank, event_id)
), parts as (
  select *, count(*) filter (where step <> 'leaves' and arm is distinct from former_arm) over (partition by person_id, audience_key, stay order by occurred_at, rank, event_id) as part
  from begun where has_begun
), intervals as (
  select person_id, audience_key, stay, part, min(arm) filter (where step <> 'leaves') as arm, min(occurred_at) as entered_at,
         (array_agg(event_id order by occurred_at, rank, event_id) filter (where step <> 'leaves'))[1] as entered_by, count(*) filter (where outcome = 'renewed')::int as renewals,
         max(occurred_at) filter (where step = 'leaves') as left_at, max(reason) filter (where step = 'leaves') as left_reason
  from parts group by person_id, audience_key, stay, part
)
select person_id, audience_key, arm, entered_at, coalesce(left_at, moved_at) as left_at,
       coalesce(left_reason, case when moved_at is not null then 'rearmed' end) as left_reason, entered_by, renewals
from (select *, lead(entered_at) over (partition by person_id, audience_key, stay order by part) as moved_at from intervals) i;
comment on view membership_intervals is 'Every stay of a person in an audience, by the times of the events. An add that came too late to count (superseded, or over on arrival) makes none; rows that older versions wrote without an outcome make none either.';
comment on column membership_intervals.person_id is 'Headgate''s id of the person, after all merges.';
comment on column membership_intervals.audience_key is 'The audience, with its version.';
comment on column membership_intervals.arm is '`treatment`, or `holdout`: a ghost, never pushed. A member whose arm changes has an interval in each.';
comment on column membership_intervals.entered_at is 'When the first add of the stay happened, or when the arm changed.';
comment on column membership_intervals.left_at is 'When the person left, the window ended or the arm changed; null while in.';
comment on column membership_intervals.left_reason is '`removed`, `excluded`, `consent_denied`, `reported`, `expired`, `retired`, `rearmed`; null while in.';
comment on column membership_intervals.entered_by is 'The row of `exposures` that begins it, with campaign and step.';
comment on column membership_intervals.renewals is 'Adds that came while the person was in; each gives the window a new end.';

-- By delivery first, because not every metric of a delivery says all about it.
create view delivery_funnel as
with deliveries_told as (
  select delivery_id, channel, max(campaign_id) as campaign_id, max(campaign_name) as campaign_name, max(broadcast_id) as broadcast_id, max(newsletter_id) as newsletter_id,
         max(transactional_message_id) as transactional_message_id, max(step_id) as step_id, max(coalesce(message_variant, content_id)) as variant,
         min(occurred_at) as first_at, array_agg(metric) as metrics,
         bool_or(metric = 'opened' and machine is not true) as opened_by_people, bool_or(metric = 'opened' and machine) as opened_by_machines,
         bool_or(metric = 'clicked' and machine is not true) as clicked_by_people, bool_or(metric = 'clicked' and machine) as clicked_by_machines
  from exposures where name = 'cio.report' and delivery_id is not null
  group by delivery_id, channel
)
select campaign_id, max(campaign_name) as campaign_name, broadcast_id, newsletter_id, transactional_message_id, step_id, channel, variant,
       count(*)::int as deliveries,
       count(*) filter (where 'sent' = any(metrics))::int as sent,
       count(*) filter (where 'delivered' = any(metrics))::int as delivered,
       count(*) filter (where opened_by_people)::int as opened,
       count(*) filter (where opened_by_machines and not opened_by_people)::int as opened_by_machines_only,
       count(*) filter (where clicked_by_people)::int as clicked,
       count(*) filter (where clicked_by_machines and not clicked_by_people)::int as clicked_by_machines_only,
       count(*) filter (where 'converted' = any(metrics))::int as converted,
       count(*) filter (where 'bounced' = any(metrics))::int as bounced,
       count(*) filter (where metrics && '{failed,dropped,undeliverable}')::int as failed,
       count(*) filter (where metrics && '{unsubscribed,spammed}')::int as unsubscribed,
       min(first_at) as first_at, max(first_at) as last_at
from deliveries_told
group by campaign_id, broadcast_id, newsletter_id, transactional_message_id, step_id, channel, variant;
comment on view delivery_funnel is 'What became of messages, from Customer.io''s reporting feed: distinct deliveries of each campaign, broadcast, newsletter or transactional message, by step, channel and variant.';
comment on column delivery_funnel.campaign_id is 'Customer.io''s campaign; null for broadcasts, newsletters and transactional messages, which have an id of their own kind.';
comment on column delivery_funnel.campaign_name is 'Its name, where an event said one; the reporting feed does not.';
comment on column delivery_funnel.broadcast_id is 'API-triggered broadcast.';
comment on column delivery_funnel.newsletter_id is 'Newsletter.';
comment on column delivery_funnel.transactional_message_id is 'Transactional message.';
comment on column delivery_funnel.step_id is 'The step of the journey (`action_id`).';
comment on column delivery_funnel.channel is '`email`, `push`, `sms` …';
comment on column delivery_funnel.variant is 'The message variant, or a newsletter''s `content_id`.';
comment on column delivery_funnel.deliveries is 'Distinct deliveries of which anything was reported; each other column counts some of them.';
comment on column delivery_funnel.sent is 'Sent.';
comment on column delivery_funnel.delivered is 'Delivered.';
comment on column delivery_funnel.opened is 'Opened by a person, as far as Customer.io tells.';
comment on column delivery_funnel.opened_by_machines_only is 'Opened by programs that fetch mail ahead, and by no person.';
comment on column delivery_funnel.clicked is 'Clicked by a person.';
comment on column delivery_funnel.clicked_by_machines_only is 'Clicked by programs that look at links, and by no person.';
comment on column delivery_funnel.converted is 'Converted, by the goal of the campaign in Customer.io.';
comment on column delivery_funnel.bounced is 'Bounced.';
comment on column delivery_funnel.failed is 'Failed, dropped or undeliverable.';
comment on column delivery_funnel.unsubscribed is 'Unsubscribed by it, or marked it as spam.';
comment on column delivery_funnel.first_at is 'The first report of its first delivery.';
comment on column delivery_funnel.last_at is 'The first report of its last delivery.';

create view daily_exposures as
select (e.occurred_at at time zone 'utc')::date as day, e.name, e.channel, e.metric, e.audience_key, e.outcome, e.arm,
       count(*)::int as rows, count(distinct coalesce(s.survivor_id, e.person_id))::int as persons
from exposures e left join surviving_persons s using (person_id)
group by 1, 2, 3, 4, 5, 6, 7;
comment on view daily_exposures is 'How much of what there was each day (UTC).';
comment on column daily_exposures.day is 'The day of `occurred_at`, UTC.';
comment on column daily_exposures.name is 'As in `exposures`.';
comment on column daily_exposures.channel is 'As in `exposures`.';
comment on column daily_exposures.metric is 'As in `exposures`.';
comment on column daily_exposures.audience_key is 'As in `exposures`.';
comment on column daily_exposures.outcome is 'As in `exposures`.';
comment on column daily_exposures.arm is 'As in `exposures`.';
comment on column daily_exposures.rows is 'Rows of `exposures`.';
comment on column daily_exposures.persons is 'Distinct persons, after all merges.';

comment on column exposures.event_id is 'The event''s own; `<event_id>/expired`, `/left/<audience_key>`, `/rearmed/<n>`, `/merged/<person_id>` of what was brought about besides. One row each.';
comment on column exposures.source is 'The source in `headgate.yaml`, a Customer.io workspace; null for what time or the registry brought about.';
comment on column exposures.name is '`cio.audience_add`, `cio.audience_remove`, `cio.exposure` of webhooks; `cio.report` of the reporting feed; `headgate.left`, `headgate.rearmed`, `headgate.merged` of what was brought about.';
comment on column exposures.person_id is 'Headgate''s id of the person, as it was known then; a person that was merged later is found by the row with outcome `merged`. Null when nobody was named.';
comment on column exposures.customer_id is 'Your own id, when the event said it.';
comment on column exposures.audience_key is 'The audience that was decided on, with its version; null without one.';
comment on column exposures.occurred_at is 'When it happened. The table is parted by it: give a range, and only these months are read.';
comment on column exposures.received_at is 'When it came, or was brought about.';
comment on column exposures.status is 'What the event was answered: `applied`, `superseded`, `held_out`, `expired`.';
comment on column exposures.arm is '`treatment` or `holdout`: the person''s arm in the audience; null where there is no membership.';
comment on column exposures.campaign_id is 'Customer.io''s campaign.';
comment on column exposures.campaign_name is 'Its name; the reporting feed does not say it.';
comment on column exposures.journey_id is 'One person''s way through the campaign.';
comment on column exposures.step_id is 'The step of the journey (`action_id`).';
comment on column exposures.message_variant is 'Variant of an A/B test or a random split.';
comment on column exposures.delivery_id is 'The message, the same in all its metrics.';
comment on column exposures.context is 'All that the event said of campaign and message; of a report everything that has no column.';
comment on column exposures.attributes is 'What else the webhook sent (`cart_value`, `sku` …), redacted; `{"person_id": …}`, the loser, when outcome is `merged`.';
comment on column exposures.outcome is '`entered`, `renewed` (was in), `held_out` (would have entered: the ghost exposure), `left`, `expired`, `absent` (removed who was not in), `superseded`; `merged`; `reported`, `noted`. Null in rows of older versions.';
comment on column exposures.reason is 'Why somebody is in or out: `added`, `removed`, `excluded`, `consent_denied`, `expired`, `retired`, `reported`.';
comment on column exposures.caused_by is 'The event that brought this row about; null when the row is the event''s own.';
comment on column exposures.cio_id is 'Customer.io''s id of the person, when the event said it.';
comment on column exposures.broadcast_id is 'API-triggered broadcast of the report.';
comment on column exposures.newsletter_id is 'Newsletter of the report.';
comment on column exposures.transactional_message_id is 'Transactional message of the report.';
comment on column exposures.trigger_id is 'Which triggering of the broadcast.';
comment on column exposures.trigger_event_id is 'The event that started the journey.';
comment on column exposures.parent_step_id is 'The step that this one is a variant of (`parent_action_id`).';
comment on column exposures.content_id is 'Variant of a newsletter.';
comment on column exposures.link_id is 'The link that was clicked.';
comment on column exposures.link_url is 'Its address, redacted.';
comment on column exposures.failure_reason is 'Why it bounced or failed, redacted.';
