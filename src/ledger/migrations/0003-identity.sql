-- E-mails that go from one customer to another.

alter table deliveries add column lost_revision integer;
comment on column deliveries.lost_revision is 'Calls that carried an older revision may have named an e-mail that has gone to somebody else since.';
