-- Exports walk `exposures` in the order of time (ledger/exposure-rows.ts). On a large ledger make this index by hand before the release, each part's first
-- (create index concurrently on the parts, create index on only exposures, alter index … attach partition); then this does nothing.
create index if not exists exposures_time on exposures (occurred_at, event_id);
