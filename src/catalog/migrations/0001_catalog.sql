-- The catalog: what was seen, what was decided, what was made of it, and where it lies.
-- Ids are 32 hex digits (16 bytes of HMAC-SHA-256, see docs/format.md); paths are bytes, never text.
-- Times of files are nanoseconds since 1970 (negative before it), times of ours are timestamptz.

create table run_log (
  id          text primary key,
  kind        text not null,
  source_id   text,
  host_id     text not null,
  actor       text not null,
  started_at  timestamptz not null default now(),
  ended_at    timestamptz,
  result      text check (result in ('complete', 'complete with warnings', 'incomplete', 'failed', 'interrupted')),
  totals      jsonb not null default '{}'
);
create index run_log_started on run_log (started_at desc);

create table sources (
  id          text primary key,
  name        text not null unique,
  root_path   bytea not null,
  device      numeric not null,
  inode       numeric not null,
  host_id     text not null,
  added_at    timestamptz not null default now()
);

create table entries (
  id                text primary key,
  source_id         text not null references sources,
  path              bytea not null,
  -- The last observation number drawn, and the number of hints received and settled.
  observation       bigint not null default 0,
  hint              bigint not null default 0,
  settled_hint      bigint not null default 0,
  head_version_id   text,
  head_observation  bigint not null default 0,
  added_at          timestamptz not null default now(),
  unique (source_id, path)
);

-- A number is drawn once per (workflow run, round), so that a step that runs twice sees the same version.
create table observations (
  entry_id      text not null references entries,
  workflow_run  text not null,
  round         integer not null,
  number        bigint not null,
  hint          bigint not null,
  primary key (entry_id, workflow_run, round)
);

create table contents (
  sha512      bytea primary key check (length(sha512) = 64),
  sha256      bytea not null check (length(sha256) = 32),
  size_bytes  bigint not null,
  media_type  text not null,
  added_at    timestamptz not null default now()
);

create table versions (
  id              text primary key,
  entry_id        text not null references entries,
  observation     bigint not null,
  run_id          text not null,
  workflow_id     text,
  kind            text not null check (kind in ('file', 'dir', 'link', 'special')),
  size_bytes      bigint not null,
  mode            integer not null,
  uid             bigint not null,
  gid             bigint not null,
  mtime_ns        bigint not null,
  ctime_ns        bigint not null,
  device          numeric not null,
  inode           numeric not null,
  link_target     bytea,
  hardlink        text,
  sha512          bytea references contents,
  segment_size    integer,
  segment_hashes  bytea,
  admission       jsonb,
  bundle_revision text,
  scan_id         text,
  outcome         text check (outcome in ('uploaded', 'duplicate', 'ignored', 'quarantined', 'held', 'failed',
                                          'vanished', 'deleted', 'cancelled')),
  reason          text,
  observed_at     timestamptz not null default now(),
  settled_at      timestamptz,
  unique (entry_id, observation)
);
create index versions_inode on versions (device, inode) where kind = 'file';
create index versions_content on versions (sha512);

create table decisions (
  id               text primary key,
  version_id       text not null references versions,
  gate             text not null check (gate in ('admission', 'release')),
  destination      text not null default '',
  allow            boolean not null,
  reasons          jsonb not null,
  bundle_revision  text not null,
  decision_id      text not null,
  input_hash       bytea not null,
  -- AES-256-GCM under the scope's evidence key: nonce, ciphertext, tag of the canonical input with its salt.
  input_sealed     bytea not null,
  key_id           text not null,
  at               timestamptz not null default now()
);
create index decisions_version on decisions (version_id);

create table scans (
  id                  text primary key,
  version_id          text not null references versions,
  sha512              bytea not null,
  state               text not null check (state in ('clean', 'infected', 'not_scanned')),
  reason              text,
  signature           text,
  engine              text not null,
  signature_revision  text not null,
  signatures_at       timestamptz not null,
  signature_set       text not null,
  -- The scan whose clean verdict was taken over instead of scanning the same content again.
  reused_from         text,
  at                  timestamptz not null default now()
);
create index scans_reuse on scans (sha512, signature_revision) where state = 'clean';

create table keys (
  id          text primary key,
  purpose     text not null,
  scope       text,
  generation  integer not null,
  object_key  text not null,
  added_at    timestamptz not null default now()
);

-- One encryption of a version. The IV is drawn once and never covers two plaintexts.
create table sealings (
  id          text primary key,
  version_id  text not null references versions,
  format      text not null,
  key_id      text not null,
  generation  integer not null,
  iv          bytea not null check (length(iv) = 16),
  unique (version_id, format, key_id, generation)
);

create table intents (
  id             text primary key,
  sealing_id     text not null references sealings,
  destination    text not null,
  object_key     text not null,
  state          text not null check (state in ('open', 'committed', 'aborted')),
  sealed_length  bigint,
  sealed_sha256  bytea,
  lock_mode      text not null,
  lock_days      integer not null,
  -- Multipart only: what the bytes depend on, frozen before the first part.
  metadata       bytea,
  sealer_id      text,
  upload_id      text,
  part_size      integer,
  opened_at      timestamptz not null default now(),
  closed_at      timestamptz,
  closed_reason  text,
  unique (sealing_id, destination)
);
create index intents_open on intents (opened_at) where state = 'open';

-- Written before a part is sent; the store's own listing says whether it arrived.
create table intent_parts (
  intent_id    text not null references intents,
  part_number  integer not null,
  length       integer not null,
  sha256       bytea not null,
  primary key (intent_id, part_number)
);

create table objects (
  id             text primary key,
  destination    text not null,
  key            text not null,
  s3_version_id  text not null,
  length         bigint not null,
  sealing_id     text not null references sealings,
  sha512         bytea not null references contents,
  scope          text not null,
  format         text not null,
  lock_mode      text not null,
  retain_until   timestamptz not null,
  state          text not null check (state in ('live', 'deleting', 'deleted')),
  added_at       timestamptz not null default now(),
  unique (destination, key, s3_version_id)
);
create index objects_reuse on objects (sha512, destination) where state = 'live';

create table placements (
  version_id   text not null references versions,
  destination  text not null,
  object_id    text references objects,
  byte_offset  bigint not null default 0,
  length       bigint,
  state        text not null check (state in ('planned', 'uploading', 'committed', 'held', 'denied', 'failed', 'deleted')),
  reason       text,
  at           timestamptz not null default now(),
  primary key (version_id, destination)
);
create index placements_object on placements (object_id);

-- Who is making the object of a content now; everyone else waits and then shares it.
create table reservations (
  sha512      bytea not null,
  scope       text not null,
  format      text not null,
  destination text not null,
  version_id  text not null,
  expires_at  timestamptz not null,
  primary key (sha512, scope, format, destination)
);

create table holds (
  id             text primary key,
  version_id     text not null references versions,
  destination    text not null,
  host_id        text not null,
  reason         text not null,
  sealing_id     text not null references sealings,
  sealed_length  bigint not null,
  sealed_sha256  bytea not null,
  state          text not null check (state in ('open', 'approved', 'rejected', 'expired')),
  workflow_id    text not null,
  opened_at      timestamptz not null default now(),
  closed_at      timestamptz
);
create index holds_open on holds (opened_at) where state = 'open';

create table quarantine (
  id             text primary key,
  version_id     text not null references versions,
  host_id        text not null,
  action         text not null check (action in ('moved', 'reported')),
  signature      text not null,
  at             timestamptz not null default now()
);

create table file_status (
  run_id      text not null,
  version_id  text not null references versions,
  entry_id    text not null,
  outcome     text not null,
  reason      text,
  at          timestamptz not null default now(),
  primary key (run_id, version_id)
);
create index file_status_entry on file_status (entry_id, at desc);

create table audit_events (
  id     text primary key,
  leaf   bytea not null check (length(leaf) = 32),
  event  jsonb not null,
  at     timestamptz not null
);
create index audit_events_at on audit_events (at);
create index audit_events_version on audit_events ((event ->> 'version'));
create index audit_events_run on audit_events ((event ->> 'run'));

-- The program runs as writer: it can add to the audit trail but neither change nor shorten it.
grant usage on schema public to holdfast_writer, holdfast_reader;
grant select on all tables in schema public to holdfast_writer, holdfast_reader;
grant insert, update on run_log, sources, entries, observations, versions, intents, objects, placements, reservations, holds
  to holdfast_writer;
grant insert on contents, decisions, scans, keys, sealings, intent_parts, quarantine, file_status,
  audit_events to holdfast_writer;
grant delete on observations, reservations, intent_parts to holdfast_writer;
