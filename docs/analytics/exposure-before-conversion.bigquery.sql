-- In which audiences those who converted had been in the days before: see exposure-before-conversion.sql.
with asked as (
  select timestamp '2025-09-01 00:00:00+00' as since, timestamp '2025-10-01 00:00:00+00' as until, 14 as days, ['purchase'] as counts
), conversions as (
  select s.survivor_id as person_id, e.event_id, e.occurred_at, timestamp_sub(e.occurred_at, interval a.days day) as looks_back_to
  from asked a
  join exposures e on e.occurred_at >= a.since and e.occurred_at < a.until
  join surviving_persons s on s.person_id = e.person_id
  where case e.name when 'cio.exposure' then json_value(e.attributes, '$.event') when 'cio.report' then e.metric when 'cio.audience_add' then e.audience_key end in unnest(a.counts)
), exposed as (
  select c.event_id, c.occurred_at, i.audience_key, i.arm, max(i.entered_at) as entered_at
  from conversions c
  join membership_intervals i on i.person_id = c.person_id and i.entered_at < c.occurred_at and (i.left_at is null or i.left_at >= c.looks_back_to)
  group by c.event_id, c.occurred_at, i.audience_key, i.arm
), of_all as (
  select count(*) as conversions, countif(x.event_id is null) as unexposed
  from conversions c left join (select distinct event_id from exposed) x on x.event_id = c.event_id
), medians as (
  select audience_key, arm, percentile_cont(timestamp_diff(occurred_at, entered_at, second) / 3600, 0.5) over (partition by audience_key, arm) as median_hours from exposed
)
select audience_key, arm, count(*) as conversions, round(count(*) / (select conversions from of_all), 4) as share_of_conversions, round(min(median_hours), 1) as median_hours_since_entering
from medians group by audience_key, arm
union all
select 'in none', null, unexposed, round(unexposed / nullif(conversions, 0), 4), null from of_all
order by 1, 2;
