-- Quarantined content, sealed on the host that found it, and what became of it. Rows are evidence: added, never changed.

-- `copied`: a sealed copy, the original stays. `replaced`: something else had its name before it could be taken away.
alter table quarantine drop constraint quarantine_action_check;
alter table quarantine add check (action in ('moved', 'copied', 'replaced', 'reported'));

-- A sealed copy, durable before the original's name is taken away. Its id is the quarantine's.
create table quarantine_copies (
  id             text primary key,
  version_id     text not null references versions,
  host_id        text not null,
  sealing_id     text not null references sealings,
  sealed_length  bigint not null,
  sealed_sha256  bytea not null check (length(sealed_sha256) = 32),
  at             timestamptz not null default now()
);

-- What a person did with it; the copy is gone then.
create table quarantine_ends (
  id      text primary key references quarantine_copies,
  ended   text not null check (ended in ('released', 'deleted')),
  actor   text not null,
  reason  text not null,
  run_id  text not null,
  at      timestamptz not null default now()
);

-- Content that a person released although this signature finds it: it is left alone, and never uploaded.
create table infection_exceptions (
  id          text primary key references quarantine_copies,
  sha512      bytea not null check (length(sha512) = 64),
  signature   text not null,
  actor       text not null,
  reason      text not null,
  granted_at  timestamptz not null default now(),
  revoked_at  timestamptz,
  revoked_by  text
);
create index infection_exceptions_content on infection_exceptions (sha512) where revoked_at is null;

grant select on quarantine_copies, quarantine_ends, infection_exceptions to holdfast_writer, holdfast_reader;
grant insert on quarantine_copies, quarantine_ends, infection_exceptions to holdfast_writer;
grant update (revoked_at, revoked_by) on infection_exceptions to holdfast_writer;

-- How many versions are stored unscanned is asked at every look at the status.
create index scans_unscanned on scans (version_id) where state = 'not_scanned';
