-- Batches: small files that go through the pipeline together (docs: ARCHITECTURE.md, "Two lanes").

create table batches (
  id         text primary key,
  source_id  text not null references sources,
  -- The sweep that found them.
  run_id     text not null,
  opened_at  timestamptz not null default now(),
  closed_at  timestamptz
);
create index batches_open on batches (source_id) where closed_at is null;

-- What a batch has to do, and, after a crash, what is left of it. One look at each entry, drawn with its number when the
-- batch was made. `passed_on`: an exception, which the entry's own workflow takes.
create table batch_items (
  batch_id     text not null references batches on delete cascade,
  position     integer not null,
  entry_id     text not null references entries,
  observation  bigint not null,
  hint         bigint not null,
  state        text not null default 'open' check (state in ('open', 'settled', 'passed_on')),
  primary key (batch_id, position)
);

-- Who looks at an entry now: `batch:<id>`, or the workflow run that drew its number last. It counts until then, and only
-- while a hint of the entry is unanswered.
alter table entries add column lease_owner text;
alter table entries add column lease_until timestamptz;

grant select on batches, batch_items to holdfast_writer, holdfast_reader;
grant insert, update, delete on batches, batch_items to holdfast_writer;
