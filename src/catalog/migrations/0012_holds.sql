-- Approving and rejecting what is held (docs/format.md, section 9).

-- What its host last found in staging, and when whoever approves was last reminded.
alter table holds add column staged text not null default 'whole'
  check (staged in ('whole', 'damaged', 'missing', 'host_unavailable'));
alter table holds add column reminded_at timestamptz;
create index holds_version on holds (version_id);

-- One try to decide a hold: what somebody signed, and what became of it. Written before it is judged, so that no try is lost.
create table hold_attempts (
  id             text primary key,
  hold_id        text not null references holds,
  -- The command that brought it.
  run_id         text not null,
  verdict        text not null check (verdict in ('approve', 'reject')),
  approver       text not null,
  -- What the signature is about, beside what the catalog knows of the hold.
  decision_id    text not null,
  sealed_sha256  bytea not null check (length(sealed_sha256) = 32),
  not_after      timestamptz not null,
  signature      bytea not null,
  -- The person's own words.
  reason         text,
  actor          text not null,
  at             timestamptz not null default now(),
  -- Null until it is judged: counted, repeated, or the code it was refused with.
  result         text
);
create index hold_attempts_hold on hold_attempts (hold_id);

grant select on hold_attempts to holdfast_writer, holdfast_reader;
grant insert, update on hold_attempts to holdfast_writer;
