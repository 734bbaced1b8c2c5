-- The hosts of a cluster: who was let in, with what, who was seen when, and who is let in no more.
create table hosts (
  id              text primary key,
  name            text not null,
  -- Queue group of its sources that name none themselves.
  files_group     text not null,
  -- Its own role in this database; null for a host that was not added by command.
  database_role   text,
  added_by        text not null,
  added_at        timestamptz not null default now(),
  -- Told by its worker every minute.
  last_seen_at    timestamptz,
  -- SHA-256 of the rules and data it judges by, without what is its own; hex.
  rules_revision  text,
  revoked_at      timestamptz,
  revoked_by      text
);
create unique index hosts_name on hosts (name) where revoked_at is null;

-- What each host serves, as its worker last told. A source that several serve is one tree, mounted by all of one group.
create table host_sources (
  host_id      text not null references hosts,
  source_id    text not null,
  files_group  text not null,
  primary key (host_id, source_id)
);
create index host_sources_source on host_sources (source_id);

-- A host tells of itself; who is in and who is out is for the tables' owner to say.
grant select on hosts, host_sources to holdfast_writer, holdfast_reader;
grant insert (id, name, files_group, added_by) on hosts to holdfast_writer;
grant update (files_group, last_seen_at, rules_revision) on hosts to holdfast_writer;
grant insert, update, delete on host_sources to holdfast_writer;
