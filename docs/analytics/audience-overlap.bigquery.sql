-- How many persons two audiences have in common: see audience-overlap.sql.
with asked as (
  select timestamp '2025-09-01 00:00:00+00' as since, timestamp '2025-10-01 00:00:00+00' as until
), stays as (
  select i.person_id, i.audience_key, i.entered_at, coalesce(i.left_at, timestamp '9999-12-31 00:00:00+00') as left_at
  from asked a join membership_intervals i on i.entered_at < a.until and (i.left_at is null or i.left_at > a.since)
), sizes as (
  select audience_key, count(distinct person_id) as persons from stays group by audience_key
), pairs as (
  select a.audience_key, b.audience_key as other, count(distinct a.person_id) as in_both,
         count(distinct if(a.entered_at < b.left_at and b.entered_at < a.left_at, a.person_id, null)) as at_the_same_time
  from stays a join stays b on b.person_id = a.person_id and b.audience_key > a.audience_key
  group by a.audience_key, b.audience_key
)
select a.audience_key as audience, b.audience_key as other_audience, a.persons, b.persons as other_persons, coalesce(in_both, 0) as in_both,
       round(coalesce(in_both, 0) / a.persons, 4) as share_of_audience, round(coalesce(in_both, 0) / b.persons, 4) as share_of_other,
       coalesce(at_the_same_time, 0) as at_the_same_time
from sizes a join sizes b on b.audience_key > a.audience_key left join pairs p on p.audience_key = a.audience_key and p.other = b.audience_key
order by 1, 2;
