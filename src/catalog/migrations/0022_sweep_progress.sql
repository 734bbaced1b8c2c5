-- How far the walk of a sweep came, so that one that was cut off goes on there: all up to `after` was compared, and what was
-- due of it is in batches or in `waiting`.
create table sweep_progress (
  run_id       text primary key,
  source_id    text not null references sources,
  after        bytea not null,
  seen         bigint not null,
  skipped      bigint not null,
  unreachable  bigint not null,
  -- Entries that are gone: how many, and those of them that may still count as deleted.
  gone         bigint not null,
  gone_ids     text[] not null,
  -- Entries that were handed over one by one: id to hint.
  waiting      jsonb not null
);
grant select on sweep_progress to holdfast_writer, holdfast_reader;
grant insert, update, delete on sweep_progress to holdfast_writer;
