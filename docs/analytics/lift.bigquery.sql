-- Lift by holdout, by intention to treat, with Newcombe's interval: see lift.sql.
with asked as (
  select 'high_intent_cart_7d_v1' as audience_key,
         timestamp '2025-09-01 00:00:00+00' as since, timestamp '2025-10-01 00:00:00+00' as until, 14 as days,
         ['purchase'] as counts
), told as (
  select s.survivor_id as person_id, e.event_id, e.occurred_at, e.arm, a.days,
         e.audience_key = a.audience_key and e.name = 'cio.audience_add' and e.outcome in ('entered', 'held_out') and e.occurred_at < a.until as exposes,
         e.audience_key = a.audience_key and e.name in ('cio.audience_add', 'headgate.rearmed') as has_arm,
         case e.name
           when 'cio.exposure' then json_value(e.attributes, '$.event')
           when 'cio.report' then e.metric
           when 'cio.audience_add' then e.audience_key
           when 'headgate.left' then if(e.audience_key = a.audience_key, concat(e.outcome, ' ', e.reason), null)
         end in unnest(a.counts) as converts
  from asked a
  join exposures e on e.occurred_at >= a.since and e.occurred_at < timestamp_add(a.until, interval a.days day)
  join surviving_persons s on s.person_id = e.person_id
), since_first as (
  select person_id, occurred_at, arm, days, has_arm, converts,
         min(if(exposes, occurred_at, null)) over (partition by person_id) as first_at,
         first_value(arm) over (partition by person_id order by if(exposes, 0, 1), occurred_at, event_id) as first_arm
  from told where exposes or has_arm or converts
), persons as (
  select person_id, first_arm as arm, countif(converts) > 0 as converted, countif(has_arm and arm <> first_arm) > 0 as changed_arm
  from since_first where occurred_at >= first_at and occurred_at < timestamp_add(first_at, interval days day)
  group by person_id, first_arm
), counted as (
  select countif(arm = 'treatment') as nt, countif(arm = 'treatment' and converted) as ct,
         countif(arm = 'holdout') as nh, countif(arm = 'holdout' and converted) as ch, countif(changed_arm) as changed_arm
  from persons
), rates as (
  select *, nullif(nt, 0) as t, nullif(nh, 0) as h, ct / nullif(nt, 0) as pt, ch / nullif(nh, 0) as ph, 1.959964 as z from counted
), wilson as (
  select *,
         (pt + z * z / (2 * t) - z * sqrt(pt * (1 - pt) / t + z * z / (4 * t * t))) / (1 + z * z / t) as lt,
         (pt + z * z / (2 * t) + z * sqrt(pt * (1 - pt) / t + z * z / (4 * t * t))) / (1 + z * z / t) as ut,
         (ph + z * z / (2 * h) - z * sqrt(ph * (1 - ph) / h + z * z / (4 * h * h))) / (1 + z * z / h) as lh,
         (ph + z * z / (2 * h) + z * sqrt(ph * (1 - ph) / h + z * z / (4 * h * h))) / (1 + z * z / h) as uh
  from rates
)
select nt as treatment_persons, ct as treatment_conversions, round(pt, 4) as treatment_rate,
       nh as holdout_persons, ch as holdout_conversions, round(ph, 4) as holdout_rate,
       round(pt - ph, 4) as difference,
       round(pt - ph - sqrt(pow(pt - lt, 2) + pow(uh - ph, 2)), 4) as low_95,
       round(pt - ph + sqrt(pow(ut - pt, 2) + pow(ph - lh, 2)), 4) as high_95,
       round(nt * (pt - ph), 1) as incremental_conversions,
       round(pt / nullif(ph, 0) - 1, 3) as relative_lift,
       changed_arm,
       nullif(rtrim(concat(
         if(least(nt, nh) < 100, 'an arm has fewer than 100 persons; ', ''),
         if(least(ct, ch) < 5, 'an arm has fewer than 5 conversions; ', ''),
         if(current_timestamp() < (select timestamp_add(until, interval days day) from asked), 'the last persons have not had all their days yet', '')), '; '), '') as warning
from wilson;
