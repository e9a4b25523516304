-- In which audiences those who converted had been in the days before, and for how long. An audience that the conversion itself
-- brings them into does not count. This says what came before, not what caused it: for that, see the lift.
with asked as not materialized (
  select timestamptz '2025-09-01 00:00Z' as since, timestamptz '2025-10-01 00:00Z' as until, interval '14 days' as within, array['purchase'] as counts
), conversions as (
  select s.survivor_id as person_id, e.event_id, e.occurred_at
  from asked a
  join exposures e on e.occurred_at >= a.since and e.occurred_at < a.until
  join surviving_persons s on s.person_id = e.person_id
  where case e.name when 'cio.exposure' then e.attributes ->> 'event' when 'cio.report' then e.metric when 'cio.audience_add' then e.audience_key end = any (a.counts)
), exposed as (
  select c.event_id, c.occurred_at, i.audience_key, i.arm, max(i.entered_at) as entered_at
  from asked a cross join conversions c
  join membership_intervals i on i.person_id = c.person_id and i.entered_at < c.occurred_at and (i.left_at is null or i.left_at >= c.occurred_at - a.within)
  group by c.event_id, c.occurred_at, i.audience_key, i.arm
), of_all as (
  select count(*) as conversions, count(*) filter (where event_id not in (select event_id from exposed)) as unexposed from conversions
)
select audience_key, arm, count(*) as conversions, round(count(*)::numeric / (select conversions from of_all), 4) as share_of_conversions,
       round((percentile_cont(0.5) within group (order by extract(epoch from occurred_at - entered_at)::float8 / 3600))::numeric, 1) as median_hours_since_entering
from exposed group by audience_key, arm
union all
select 'in none', null, unexposed, round(unexposed::numeric / nullif(conversions, 0), 4), null from of_all
order by 1, 2;
