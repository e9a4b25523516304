-- Once, after surviving_persons: every stay of a person in an audience, as the ledger's view has it.
create or replace view membership_intervals as
with decisions as (
  select coalesce(s.survivor_id, e.person_id) as person_id, e.audience_key, e.occurred_at, e.event_id, e.caused_by, e.arm, e.outcome, e.reason,
         case when e.name = 'headgate.rearmed' then 1 when e.outcome in ('entered', 'renewed', 'held_out') then 0 else 2 end as step
  from exposures e left join surviving_persons s on s.person_id = e.person_id
  where e.audience_key is not null
    and (e.outcome in ('entered', 'renewed', 'held_out', 'left') or (e.outcome = 'expired' and e.name = 'headgate.left'))
), ordered as (
  select *, countif(step = 0) over (partition by person_id, audience_key order by occurred_at, step, event_id rows between unbounded preceding and current row) as adds
  from decisions
), with_add as (
  select *, first_value(event_id) over (partition by person_id, audience_key, adds order by occurred_at, step, event_id) as newest_add from ordered
), counted as (
  select *, coalesce(countif(step = 2) over (partition by person_id, audience_key order by occurred_at, step, event_id rows between unbounded preceding and 1 preceding), 0) as stay
  from with_add where outcome <> 'expired' or caused_by = newest_add
), begun as (
  select *,
         countif(step = 0) over (partition by person_id, audience_key, stay order by occurred_at, step, event_id rows between unbounded preceding and current row) > 0 as has_begun,
         lag(arm) over (partition by person_id, audience_key, stay order by occurred_at, step, event_id) as former_arm
  from counted
), parts as (
  select *, countif(step <> 2 and (former_arm is null or arm <> former_arm)) over (partition by person_id, audience_key, stay order by occurred_at, step, event_id rows between unbounded preceding and current row) as part
  from begun where has_begun
), intervals as (
  select person_id, audience_key, stay, part, min(if(step <> 2, arm, null)) as arm, min(occurred_at) as entered_at, countif(outcome = 'renewed') as renewals,
         array_agg(event_id order by occurred_at, step, event_id limit 1)[offset(0)] as entered_by,
         max(if(step = 2, occurred_at, null)) as left_at, max(if(step = 2, reason, null)) as left_reason
  from parts group by person_id, audience_key, stay, part
), moved as (
  select *, lead(entered_at) over (partition by person_id, audience_key, stay order by part) as moved_at from intervals
)
select person_id, audience_key, arm, entered_at, coalesce(left_at, moved_at) as left_at,
       coalesce(left_reason, if(moved_at is not null, 'rearmed', null)) as left_reason, entered_by, renewals
from moved;
