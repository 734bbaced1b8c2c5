-- What restoring and recovering needs: attributes, journals of the catalog in the bucket, checks of what lies there.

-- Extended attributes: name (text) to base64 of the value; and how many could not be recorded.
alter table versions add column xattrs jsonb;
alter table versions add column xattrs_dropped integer;
-- Number of the manifest that lists the version in the bucket; null until one does.
alter table versions add column journal bigint;
create index versions_unjournaled on versions (settled_at) where journal is null and outcome is not null and outcome <> 'cancelled';
-- Few versions are anything but a file of its own: passes over folders, links and hard links need not look at the rest.
create index versions_no_files on versions (entry_id) where kind <> 'file';
create index versions_hardlinks on versions (entry_id) where hardlink is not null;
-- What was observed between two moments. Rows lie by the time they were added, so this costs writers next to nothing.
create index versions_observed on versions using brin (observed_at) with (autosummarize = on);

-- Of the sealed bytes: openpgp only, whose bytes carry no footer of ours.
alter table objects add column sealed_sha256 bytea check (length(sealed_sha256) = 32);
-- When the object was last looked at in the bucket, when its content was last read and hashed, and what was found.
alter table objects add column checked_at timestamptz;
alter table objects add column read_at timestamptz;
alter table objects add column check_result text check (check_result in ('ok', 'missing', 'lock_mismatch', 'tampered', 'unreadable'));
create index objects_check on objects (destination, checked_at nulls first) where state = 'live';
create index objects_read on objects (destination, read_at nulls first) where state = 'live';
create index objects_bad on objects (destination) where state = 'live' and check_result <> 'ok';
create index versions_lost on versions (entry_id) where reason = 'object_lost';
-- In the order of a bucket's listing, to hold the two against each other.
create index objects_name on objects (destination, key collate "C");

-- A manifest's row comes before its object and is the intent for it. Journals list versions as they are settled;
-- checkpoints hold the whole live state.
create table manifests (
  source_id        text not null references sources,
  number           bigint not null check (number between 1 and 999999999999),
  destination      text not null,
  kind             text not null check (kind in ('journal', 'checkpoint')),
  state            text not null check (state in ('open', 'committed', 'abandoned')),
  object_key       text not null,
  s3_version_id    text,
  length           bigint not null,
  sha256           bytea not null check (length(sha256) = 32),
  previous_sha256  bytea check (length(previous_sha256) = 32),
  row_count        integer not null,
  -- Checkpoints come in parts of consecutive numbers; this ends one.
  is_last_part     boolean not null default true,
  lock_mode        text not null,
  retain_until     timestamptz,
  created_at       timestamptz not null default now(),
  checked_at       timestamptz,
  check_result     text check (check_result in ('ok', 'missing', 'lock_mismatch', 'tampered', 'unreadable')),
  primary key (source_id, number, destination)
);

-- A scope whose keys are to go: its documents are not renewed any more, and deleted when their locks end.
create table scope_shreddings (
  scope_id       text primary key,
  scope          text not null,
  requested_at   timestamptz not null default now(),
  requested_by   text not null,
  pending_until  timestamptz not null,
  state          text not null check (state in ('pending', 'done', 'cancelled'))
);

-- Each holder's root document wraps the same master key: a row is a document, not a key.
alter table keys drop constraint keys_pkey;
alter table keys add primary key (object_key);

-- Copies of the keyring that were handed out: shredding cannot reach them.
create table key_exports (
  id       text primary key,
  kind     text not null,
  actor    text not null,
  at       timestamptz not null default now()
);

-- Facts about the installation that commands must remember, e.g. when the recovery kit was verified.
create table installation_facts (
  name   text primary key,
  value  jsonb not null,
  at     timestamptz not null default now()
);

grant select on manifests, scope_shreddings, key_exports, installation_facts to holdfast_writer, holdfast_reader;
grant insert, update on manifests, scope_shreddings, installation_facts to holdfast_writer;
grant insert on key_exports to holdfast_writer;
-- Catalog rows of a shredded scope lose their paths and hashes: rows that name them may go.
grant delete on manifests to holdfast_writer;
