-- Once, in the data set of the table `exposures`: each person with the one that it is today, from the rows of mergers.
create or replace view surviving_persons as
with recursive merges as (
  select json_value(attributes, '$.person_id') as person_id, person_id as survivor_id from exposures where outcome = 'merged'
), chain as (
  select person_id, survivor_id from merges
  union all
  select c.person_id, m.survivor_id from chain c join merges m on m.person_id = c.survivor_id
), merged as (
  select person_id, survivor_id from chain where survivor_id not in (select person_id from merges)
)
select p.person_id, coalesce(m.survivor_id, p.person_id) as survivor_id
from (select person_id from exposures where person_id is not null union distinct select person_id from merges) p
left join merged m on m.person_id = p.person_id;
