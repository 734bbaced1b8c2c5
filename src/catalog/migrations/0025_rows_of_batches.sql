-- What a small file costs, once more: what many rows share is written once, and no row is written to mark another one.

-- Rows that are made together with what they name, by src/catalog/apply.ts and nothing else, in that order and in one transaction;
-- what they name is never removed. A check would be a look-up for each row. The tests of batches look whether all of them are there, also after a kill.
alter table decisions drop constraint decisions_version_id_fkey;
alter table scans drop constraint scans_version_id_fkey;
alter table sealings drop constraint sealings_version_id_fkey;
alter table pack_members drop constraint pack_members_sealing_id_fkey;
alter table pack_members drop constraint pack_members_sha512_fkey;
alter table placements drop constraint placements_version_id_fkey;
alter table placements drop constraint placements_object_id_fkey;
alter table versions drop constraint versions_entry_id_fkey;
alter table file_status drop constraint file_status_version_id_fkey;

-- A decision's id is made of its version's: one index finds it by either.
alter table decisions drop constraint decisions_pkey;
drop index decisions_version;
alter table decisions add primary key (version_id, id);

-- A member is asked for by its place or its content.
drop index pack_members_sealing;

-- Two of three found no room beside them for what they are when they are settled.
alter table entries set (fillfactor = 40);

-- What a batch has to do is one row, and not one for each file: entries in its order, the look at each and the hint it answers;
-- of those that are done and those that were passed on the positions, from 0.
drop table batch_items;
alter table batches
  add column entry_ids text[] not null,
  add column observations bigint[] not null,
  add column hints bigint[] not null,
  add column settled integer[] not null default '{}',
  add column passed_on integer[] not null default '{}',
  add check (cardinality(observations) = cardinality(entry_ids) and cardinality(hints) = cardinality(entry_ids));
alter table batches alter column entry_ids set storage external;
-- `passed_on`: an exception, which the entry's own workflow takes.
create view batch_items as
  select b.id as batch_id, i.place::integer - 1 as position, i.entry_id, i.observation, i.hint,
         case when i.place - 1 = any(b.settled) then 'settled' when i.place - 1 = any(b.passed_on) then 'passed_on' else 'open' end as state
  from batches b cross join lateral unnest(b.entry_ids, b.observations, b.hints) with ordinality as i(entry_id, observation, hint, place);
grant select on batch_items to holdfast_writer, holdfast_reader;

-- Versions that a manifest is to list, in the order in which they were settled: of each statement that settled some, one row for each source.
-- `versions.journal` says which of them still wait; a row goes when none of its own does.
create table unlisted (
  source_id    text not null references sources,
  number       bigint generated always as identity,
  version_ids  text[] not null,
  primary key (source_id, number)
);
grant select on unlisted to holdfast_writer, holdfast_reader;
grant insert, delete on unlisted to holdfast_writer;

-- Whoever settles a version, or settles it anew, has it listed.
create function versions_settled() returns trigger language plpgsql as $$
begin
  insert into public.unlisted (source_id, version_ids)
  select e.source_id, pg_catalog.array_agg(v.id)
  from settled v join public.entries e on e.id = v.entry_id
  where v.journal is null and v.outcome is not null
  group by e.source_id;
  return null;
end
$$;
create trigger versions_settled after update on versions referencing new table as settled
  for each statement execute function versions_settled();
create trigger versions_inserted after insert on versions referencing new table as settled
  for each statement execute function versions_settled();

-- With it a version that is listed would have to get a new entry in every index.
drop index versions_unjournaled;

-- What one transaction tells of many versions of one workflow is one row (docs/format.md section 10): their events in a Zstandard
-- frame, their leaves and their ids one after the other, in the same order. Any other row has `event` and `leaf`.
alter table audit_events
  alter column event drop not null,
  alter column leaf drop not null,
  add column events bytea,
  add column leaves bytea check (length(leaves) % 32 = 0),
  add column ids bytea check (length(ids) = length(leaves) / 2),
  -- The workflow that the versions are of: `versions.workflow_id`.
  add column workflow text,
  -- When the first of them was told; `at` says when the last was.
  add column first_at timestamptz,
  add constraint audit_events_one_or_many check (
    (event is null) = (leaf is null) and (event is null) = (events is not null) and (event is null) = (leaves is not null)
    and (event is null) = (ids is not null) and (event is null) = (workflow is not null) and (event is null) = (first_at is not null));
-- It is compressed, and hashes cannot be.
alter table audit_events alter column events set storage external, alter column leaves set storage external, alter column ids set storage external;
create index audit_events_workflow on audit_events (workflow) where workflow is not null;
-- It would tell of some events only: src/catalog/audit-query.ts tells of all.
drop view audit_steps;
