-- What a replay needs to be the same event, what entries are found by, and what became of each.

alter table quarantine add column key text;
alter table quarantine add column people text;
alter table quarantine add column event_name text;
alter table quarantine add column audience_key text;
alter table quarantine add column parts jsonb;
alter table quarantine add column resolved_by text;
alter table quarantine add column resolved_because text;
alter table quarantine add column replayed_as text collate "C";
comment on column quarantine.key is 'Made once for each body that came, so that one which is kept twice (late by the door, again by a lifeboat) is one entry.';
comment on column quarantine.people is 'Whose customer ids these are, as the registry said when the body came.';
comment on column quarantine.event_name is 'What the body says, to find entries by; possibly nothing that exists.';
comment on column quarantine.audience_key is 'What the body says, to find entries by; possibly nothing that exists.';
comment on column quarantine.parts is 'What the door made of the person before it replaced the personal data; null in entries of older versions.';
comment on column quarantine.replayed_as is 'The event_id of the event that a replay made of it.';
create unique index quarantine_key on quarantine (key);
create index quarantine_open_ids on quarantine (id) where resolved_at is null;
create index quarantine_resolved on quarantine (resolved_at) where resolved_at is not null;
