-- Who is held out, recomputed: below the audience's own share at its own position, or below the share of a holdout over several audiences at that one's.
-- Put in the shares of headgate.yaml, here 20% of the audience's own and 2% by `all_ads`. Members in the wrong arm must be none.
select m.audience_key, count(*) as members, count(*) filter (where arm = 'holdout') as held_out, round(avg((arm = 'holdout')::int), 4) as share,
       count(*) filter (where (arm = 'holdout') <> (
         ('x' || left(md5(m.audience_key || ':' || m.person_id), 8))::bit(32)::bigint / 4294967296.0 < 0.20
         or ('x' || left(md5('holdout:all_ads:' || m.person_id), 8))::bit(32)::bigint / 4294967296.0 < 0.02)) as in_the_wrong_arm
from current_memberships m
where m.audience_key = 'high_intent_cart_7d_v1'
group by m.audience_key;
