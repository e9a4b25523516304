-- Turns: a push goes on for some seconds while there is something to push, and wakes wait meanwhile.

alter table targets add column attended_until timestamptz;
comment on column targets.attended_until is 'A push looks for pending members again and again until then, so the target needs no waking.';
