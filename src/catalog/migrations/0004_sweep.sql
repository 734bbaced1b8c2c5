-- A sweep that was told that what is gone was meant to go: its looks may write any number of tombstones.
alter table run_log add column confirms_deletions boolean not null default false;
