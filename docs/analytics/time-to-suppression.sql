-- From the moment when somebody had to leave an audience until the platform took the removal: in the ledger only, which keeps calls for 30 days.
with asked as not materialized (
  select timestamptz '2025-09-01 00:00Z' as since, timestamptz '2025-10-01 00:00Z' as until
), decisions as (
  select s.survivor_id as person_id, e.audience_key, e.event_id, e.occurred_at, e.received_at, e.arm, e.outcome, e.name,
         min(e.received_at) filter (where e.outcome in ('entered', 'renewed') and e.arm = 'treatment')
           over (partition by s.survivor_id, e.audience_key order by e.received_at, e.event_id rows between 1 following and unbounded following) as back_at
  from asked a
  join exposures e on e.audience_key is not null and e.occurred_at >= a.since
  join surviving_persons s on s.person_id = e.person_id
  where e.outcome in ('entered', 'renewed', 'held_out', 'left') or e.outcome = 'expired' and e.name = 'headgate.left'
), removals as (
  select s.survivor_id as person_id, p.audience_key, p.destination, p.finished_at
  from asked a
  join pushes p on p.operation = 'remove' and p.outcome = 'answered' and p.accepted > 0 and p.finished_at >= a.since
  cross join unnest(p.person_ids) as u (person_id)
  join surviving_persons s on s.person_id = u.person_id
), exits as (
  select e.audience_key, d.destination, e.event_id, e.occurred_at, e.received_at, e.back_at, min(r.finished_at) as removed_at
  from asked a
  join decisions e on e.occurred_at < a.until
    and (e.arm = 'treatment' and e.outcome in ('left', 'expired') or e.outcome = 'held_out' and e.name = 'headgate.rearmed')
  join deliveries d on d.person_id = e.person_id and d.audience_key = e.audience_key
  left join removals r on r.person_id = e.person_id and r.audience_key = e.audience_key and r.destination = d.destination
    and r.finished_at >= e.received_at and r.finished_at < coalesce(e.back_at, 'infinity')
  group by e.audience_key, d.destination, e.event_id, e.occurred_at, e.received_at, e.back_at
)
select audience_key, destination, count(*) as exits, count(removed_at) as removed,
       count(*) filter (where removed_at is null and back_at is not null) as came_back_before,
       count(*) filter (where removed_at is null and back_at is null) as waiting,
       round(percentile_cont(0.5) within group (order by extract(epoch from removed_at - occurred_at)::float8)::numeric, 1) as median_s,
       round(percentile_cont(0.95) within group (order by extract(epoch from removed_at - occurred_at)::float8)::numeric, 1) as p95_s,
       round(max(extract(epoch from removed_at - occurred_at)), 1) as longest_s,
       round(percentile_cont(0.5) within group (order by extract(epoch from removed_at - received_at)::float8)::numeric, 1) as median_s_since_received
from exits group by audience_key, destination order by 1, 2;
