-- What may be a breach or an attack, or threatens what is kept: opened by whatever detects it, once per kind and subject.
create table incidents (
  id           text primary key,
  kind         text not null check (kind in ('infection', 'late_detection', 'tampering', 'lock_mismatch', 'audit_mismatch',
                                             'planted_object', 'unauthorised_access', 'policy_bypass', 'mass_change')),
  -- What it is about: the id of a version, object, sweep or hold.
  subject      text not null,
  source_id    text,
  run_id       text not null,
  -- Strings, booleans and integers; ids and codes, never a path.
  facts        jsonb not null,
  detected_at  timestamptz not null default now(),
  state        text not null default 'open' check (state in ('open', 'acknowledged', 'closed')),
  unique (kind, subject)
);
create index incidents_open on incidents (detected_at) where state <> 'closed';

grant select on incidents to holdfast_writer, holdfast_reader;
grant insert, update on incidents to holdfast_writer;
