-- Lift by holdout, by intention to treat: persons who first entered an audience in a period, against the ghosts who would have,
-- and how many of each converted within some days of that. What counts as a conversion is yours to say.
with asked as not materialized (
  select 'high_intent_cart_7d_v1' as audience_key,
         timestamptz '2025-09-01 00:00Z' as since, timestamptz '2025-10-01 00:00Z' as until,
         interval '14 days' as within,
         -- an event of yours (attributes.event), a metric of the feed (converted), an audience that they enter, or `left excluded`
         array['purchase'] as counts
), told as (
  select s.survivor_id as person_id, e.event_id, e.occurred_at, e.arm, a.within,
         e.audience_key = a.audience_key and e.name = 'cio.audience_add' and e.outcome in ('entered', 'held_out') and e.occurred_at < a.until as exposes,
         e.audience_key = a.audience_key and e.name in ('cio.audience_add', 'headgate.rearmed') as has_arm,
         case e.name
           when 'cio.exposure' then e.attributes ->> 'event'
           when 'cio.report' then e.metric
           when 'cio.audience_add' then e.audience_key
           when 'headgate.left' then case when e.audience_key = a.audience_key then e.outcome || ' ' || e.reason end
         end = any (a.counts) as converts
  from asked a
  join exposures e on e.occurred_at >= a.since and e.occurred_at < a.until + a.within
  join surviving_persons s on s.person_id = e.person_id
), since_first as (
  select person_id, occurred_at, arm, within, has_arm, converts,
         min(occurred_at) filter (where exposes) over (partition by person_id) as first_at,
         first_value(arm) over (partition by person_id order by exposes is not true, occurred_at, event_id) as first_arm
  from told where exposes or has_arm or converts
), persons as (
  -- Another arm after the first exposure: the share was changed, or two persons turned out to be one.
  select person_id, first_arm as arm, coalesce(bool_or(converts), false) as converted, coalesce(bool_or(has_arm and arm <> first_arm), false) as changed_arm
  from since_first where occurred_at >= first_at and occurred_at < first_at + within
  group by person_id, first_arm
), counted as (
  select count(*) filter (where arm = 'treatment') as nt, count(*) filter (where arm = 'treatment' and converted) as ct,
         count(*) filter (where arm = 'holdout') as nh, count(*) filter (where arm = 'holdout' and converted) as ch,
         count(*) filter (where changed_arm) as changed_arm
  from persons
), rates as (
  select *, nullif(nt, 0)::float8 as t, nullif(nh, 0)::float8 as h, ct / nullif(nt, 0)::float8 as pt, ch / nullif(nh, 0)::float8 as ph, 1.959964::float8 as z from counted
), wilson as (
  select *,
         (pt + z * z / (2 * t) - z * sqrt(pt * (1 - pt) / t + z * z / (4 * t * t))) / (1 + z * z / t) as lt,
         (pt + z * z / (2 * t) + z * sqrt(pt * (1 - pt) / t + z * z / (4 * t * t))) / (1 + z * z / t) as ut,
         (ph + z * z / (2 * h) - z * sqrt(ph * (1 - ph) / h + z * z / (4 * h * h))) / (1 + z * z / h) as lh,
         (ph + z * z / (2 * h) + z * sqrt(ph * (1 - ph) / h + z * z / (4 * h * h))) / (1 + z * z / h) as uh
  from rates
)
select nt as treatment_persons, ct as treatment_conversions, round(pt::numeric, 4) as treatment_rate,
       nh as holdout_persons, ch as holdout_conversions, round(ph::numeric, 4) as holdout_rate,
       round((pt - ph)::numeric, 4) as difference,
       round((pt - ph - sqrt((pt - lt) ^ 2 + (uh - ph) ^ 2))::numeric, 4) as low_95,
       round((pt - ph + sqrt((ut - pt) ^ 2 + (ph - lh) ^ 2))::numeric, 4) as high_95,
       round((nt * (pt - ph))::numeric, 1) as incremental_conversions,
       round((pt / nullif(ph, 0) - 1)::numeric, 3) as relative_lift,
       changed_arm,
       nullif(concat_ws('; ',
         case when least(nt, nh) < 100 then 'an arm has fewer than 100 persons' end,
         case when least(ct, ch) < 5 then 'an arm has fewer than 5 conversions' end,
         case when now() < (select until + within from asked) then 'the last persons have not had all their days yet' end), '') as warning
from wilson;
