-- The breach register (docs/breaches.md) and what people are told (docs/notifications.md).

alter table incidents drop constraint incidents_kind_check, drop constraint incidents_state_check;
alter table incidents add check (kind in ('infection', 'late_detection', 'tampering', 'lock_mismatch', 'audit_mismatch',
  'planted_object', 'unauthorised_access', 'policy_bypass', 'mass_change', 'other'));
alter table incidents add check (state in ('open', 'acknowledged', 'notified', 'closed'));
alter table incidents
  -- Who entered it, and in which words; `holdfast` and none where it was detected.
  add column opened_by text not null default 'holdfast',
  add column detail text,
  add column acknowledged_at timestamptz,
  add column acknowledged_by text,
  -- When whom was told, how, and who says so.
  add column notified_at timestamptz,
  add column notified_to text,
  add column notified_means text,
  add column notified_by text,
  add column closed_at timestamptz,
  add column closed_by text,
  add column close_reason text,
  -- Since when a workflow counts its time; null: none was started yet.
  add column watched_at timestamptz,
  add check ((state = 'closed') = (closed_at is not null)),
  add check (state <> 'notified' or notified_at is not null),
  -- What was not notified is closed for a reason.
  add check (state <> 'closed' or notified_at is not null or close_reason is not null);
create index incidents_unwatched on incidents (detected_at) where watched_at is null and state <> 'closed';
create index incidents_by_time on incidents (detected_at, id);

-- Messages to people and programs. Their text is made when they are sent: a row holds ids, codes and numbers, never a path.
create table notifications (
  id               text primary key,
  -- Name of the channel in the configuration.
  channel          text not null,
  topic            text not null,
  -- Id of the incident, condition or run it is about.
  subject          text not null,
  facts            jsonb not null,
  -- Whom it goes to where that is not who the channel names, e.g. the authority.
  recipient        text,
  created_at       timestamptz not null default now(),
  -- Since when a workflow sends it; null: none was started yet.
  taken_at         timestamptz,
  state            text not null default 'waiting' check (state in ('waiting', 'sent', 'failed')),
  attempts         integer not null default 0,
  last_attempt_at  timestamptz,
  -- A code and what the server answered, never an address or a password.
  last_error       text,
  sent_at          timestamptz,
  check ((state = 'sent') = (sent_at is not null))
);
create index notifications_untaken on notifications (created_at) where taken_at is null and state = 'waiting';
create index notifications_unsent on notifications (channel, created_at) where state <> 'sent';
create index notifications_by_time on notifications (created_at, id);
create index notifications_subject on notifications (subject);

-- What lasts and was told: told again after a pause, and once more when it has ended.
create table conditions (
  id        text primary key,
  kind      text not null,
  -- Id of the source or host, or the name of the channel; empty for the whole repository.
  subject   text not null,
  facts     jsonb not null,
  since     timestamptz not null default now(),
  told_at   timestamptz not null default now(),
  -- How often it was told since it began.
  told      integer not null default 1,
  -- Since when it is not so any more; it has ended once that lasted for a while.
  clear_at  timestamptz,
  ended_at  timestamptz,
  -- Counts how often it began.
  episode   integer not null default 1,
  unique (kind, subject)
);

grant select on notifications, conditions to holdfast_writer, holdfast_reader;
grant insert, update on notifications, conditions to holdfast_writer;
