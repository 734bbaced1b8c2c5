-- What policy was asked, sealed: all questions of one moment and one key scope together. A decision names its own by position.
create table evidence (
  id      text primary key,
  -- Of the key, or the set of recipients, that it is sealed with.
  key_id  text not null,
  -- docs/format.md section 11.
  sealed  bytea not null,
  at      timestamptz not null default now()
);
-- It is compressed before it is sealed.
alter table evidence alter column sealed set storage external;

-- No reference to the evidence: both are added by one statement and never removed, and a check for each row is a look-up.
alter table decisions
  drop column input_sealed,
  drop column key_id,
  add column evidence_id text not null,
  -- From 0.
  add column position integer not null;

grant select on evidence to holdfast_writer, holdfast_reader;
grant insert on evidence to holdfast_writer;
