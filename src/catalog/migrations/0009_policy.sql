-- Which policy bundle each host judges by, and since when: its policy epochs. One that was announced counts from when the
-- host's worker meets it; only the newest announced one ever does.
create table policy_epochs (
  host_id       text not null,
  -- From 1.
  number        integer not null,
  -- SHA-256 of the bundle, hex.
  revision      text not null,
  actor         text not null,
  announced_at  timestamptz not null default now(),
  since         timestamptz,
  -- It was not taken in time, and never counts.
  withdrawn     boolean not null default false,
  check (since is null or not withdrawn),
  primary key (host_id, number)
);

-- What a sweep judges anew after a switch: heads by the bundle they were judged under.
create index versions_revision on versions (bundle_revision) where bundle_revision is not null;

grant select on policy_epochs to holdfast_writer, holdfast_reader;
grant insert, update on policy_epochs to holdfast_writer;
