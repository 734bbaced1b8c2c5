-- What retention remembers: which sources rest, who holds what, what nothing rests on any more.

-- A source whose expiry is paused, and the state that stays as long as it is.
create table retention_sources (
  source_id     text primary key references sources,
  paused_at     timestamptz,
  -- What stood at this moment is kept and stays locked.
  pinned_at     timestamptz,
  incident_id   text references incidents,
  resumed_at    timestamptz,
  resumed_by    text,
  resume_reason text,
  check ((paused_at is null) = (pinned_at is null))
);

-- Who asked that nothing at or below a path goes, and why.
create table legal_holds (
  id              text primary key,
  source_id       text not null references sources,
  -- Empty for the whole source.
  path            bytea not null,
  case_name       text not null,
  reason          text not null,
  placed_at       timestamptz not null default now(),
  placed_by       text not null,
  released_at     timestamptz,
  released_by     text,
  release_reason  text
);
create unique index legal_holds_active on legal_holds (source_id, path, case_name) where released_at is null;

-- Objects that are held in their bucket too, by whom: the last of them to go lifts it.
create table legal_hold_objects (
  hold_id    text not null references legal_holds,
  object_id  text not null references objects,
  primary key (object_id, hold_id)
);
create index legal_hold_objects_hold on legal_hold_objects (hold_id);

-- The source whose last version on the object expired: a hint, what counts is looked up when it is deleted.
alter table objects add column unneeded_by text;
create index objects_unneeded on objects (unneeded_by, id) where state <> 'deleted' and unneeded_by is not null;

-- Passes over the entries of a source by id.
create index entries_source_id on entries (source_id, id);

grant select on retention_sources, legal_holds, legal_hold_objects to holdfast_writer, holdfast_reader;
grant insert, update on retention_sources, legal_holds to holdfast_writer;
grant insert, delete on legal_hold_objects to holdfast_writer;
