-- The audit trail in signed batches (docs/audit.md): a head covers all events up to a number, in the order of their numbers.

-- Whoever writes events holds this lock, shared, from before their numbers are drawn until they are visible. Whoever has it
-- alone for a moment knows that no number up to the highest one is still to come.
create function audit_event_begins() returns trigger language plpgsql as $$
begin
  perform pg_catalog.pg_advisory_xact_lock_shared(7203116);
  return null;
end
$$;
create trigger audit_event_begins before insert on audit_events
  for each statement execute function audit_event_begins();

-- An event's place is its number, and its leaf stands beside it: nothing of it is copied.
drop table audit_leaves;

create table audit_heads (
  number      bigint primary key,
  -- Number of the newest event it covers.
  last_event  bigint not null,
  -- Its canonical JSON, and the Ed25519 signature of that.
  head        bytea not null,
  signature   bytea not null check (length(signature) = 64),
  -- Roots of the perfect trees over all heads up to this one, largest first: what the next one is computed from.
  peaks       bytea not null,
  at          timestamptz not null
);

-- Heads as they lie in the buckets.
create table audit_anchors (
  number         bigint not null references audit_heads,
  destination    text not null,
  -- Null where the bucket has another head of ours under this number: this trail is not the one that was anchored.
  s3_version_id  text,
  lock_mode      text,
  retain_until   timestamptz,
  at             timestamptz not null default now(),
  primary key (number, destination)
);
create index audit_heads_last_event on audit_heads (last_event);
create index audit_anchors_destination on audit_anchors (destination, number desc);

grant select on audit_heads, audit_anchors to holdfast_writer, holdfast_reader;
grant insert on audit_heads, audit_anchors to holdfast_writer;
