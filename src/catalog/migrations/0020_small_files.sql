-- What a small file costs. Rows that are written for every file have the indexes that something asks for, and no others.

-- An event tells of one thing, or has `steps`, the steps of one file's life that became durable together (docs/format.md, section 10).
create view audit_steps as
  select e.number, e.id as event_id, e.event ->> 'version' as version, s.step ->> 'step' as step,
         coalesce(s.step ->> 'destination', '') as destination, coalesce((s.step ->> 'ordinal')::integer, 0) as ordinal,
         (s.step ->> 'at')::timestamptz as at, s.step -> 'facts' as facts, s.place
  from audit_events e
    cross join lateral jsonb_array_elements(coalesce(e.event -> 'steps', jsonb_build_array(e.event)))
      with ordinality as s(step, place);
grant select on audit_steps to holdfast_writer, holdfast_reader;

-- Events lie by the time they were told, and nobody asks for those of a run alone.
drop index audit_events_run;
drop index audit_events_at;
create index audit_events_at on audit_events using brin (at) with (autosummarize = on);
-- Ids are random: a hash of them is shorter, and needs no order.
drop index audit_events_version;
create index audit_events_version on audit_events using hash ((event ->> 'version'));

-- An entry is written once when it is met and once when it is settled: the second time in the place that is left free.
alter table entries set (fillfactor = 60);

-- So is a version when it gets its outcome. Null, as before: no manifest lists it yet. 0: none ever does, it was cancelled.
alter table versions set (fillfactor = 50);
drop index versions_unjournaled;
create index versions_unjournaled on versions (entry_id, observation) where journal is null;

-- A sealing's id says all that was unique; what lies where in a pack says its order too.
alter table sealings drop constraint sealings_version_id_format_key_id_generation_key;
create index sealings_version on sealings (version_id);
alter table pack_members drop constraint pack_members_pkey;
drop index pack_members_place;
alter table pack_members add primary key (pack_id, byte_offset);

-- A content has few verdicts; outcomes are asked for by run.
drop index scans_reuse;
drop index file_status_entry;

-- An item goes when it is settled. Its entry was made, or taken, in the same transaction.
alter table batch_items drop constraint batch_items_entry_id_fkey;
