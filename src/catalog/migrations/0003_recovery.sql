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

-- What the catalog alone knows of a scope whose keys are gone: its hashes become random ones, what names its files is
-- forgotten. Ids, sizes, times and counts stay. Names of files that still lie in their source stay too, until a later
-- call finds them gone; a path that begins with a zero byte is a forgotten one. Run by the tables' owner, so that the
-- program's own role can forget what is shredded and nothing else.
create function forget_scope(shredded text) returns table (contents bigint, entries bigint)
language plpgsql security definer set search_path = public, pg_temp as $$
#variable_conflict use_column
declare
  forgotten_contents bigint;
  forgotten_entries bigint;
begin
  if not exists (select from scope_shreddings where scope = shredded and state = 'done') then
    raise exception 'the scope is not shredded';
  end if;

  create temporary table of_scope on commit drop as
    select v.id, v.entry_id, v.sha512 from versions v
    where v.admission ->> 'scope' = shredded
       or exists (select from placements p join objects o on o.id = p.object_id
                  where p.version_id = v.id and o.scope = shredded);
  create unique index on of_scope (id);
  analyze of_scope;

  create temporary table hidden on commit drop as
    select known.sha512 as old, sha512(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())) as new
    from (select distinct sha512 from of_scope where sha512 is not null) known
    where not exists (select from versions v where v.sha512 = known.sha512 and v.id not in (select id from of_scope))
      and not exists (select from objects o where o.sha512 = known.sha512 and o.scope <> shredded)
      and not exists (select from contents c where c.sha512 = known.sha512 and c.media_type = 'forgotten');
  insert into contents (sha512, sha256, size_bytes, media_type, added_at)
    select new, substring(new from 33 for 32), size_bytes, 'forgotten', added_at
    from hidden join contents c on c.sha512 = old;
  update versions v set sha512 = new from hidden where v.sha512 = old;
  update objects o set sha512 = new from hidden where o.sha512 = old;
  update scans s set sha512 = new from hidden where s.sha512 = old;
  delete from reservations r using hidden where r.sha512 = old;
  delete from contents c using hidden where c.sha512 = old;
  get diagnostics forgotten_contents = row_count;

  update versions v set segment_hashes = null, link_target = null, xattrs = null from of_scope o where v.id = o.id;
  update intents i set metadata = null from sealings s join of_scope o on o.id = s.version_id
    where i.sealing_id = s.id and i.state <> 'open';

  create temporary table gone on commit drop as
    select e.id from entries e join versions head on head.id = e.head_version_id
    where head.outcome in ('deleted', 'vanished') and get_byte(e.path, 0) <> 0
      and exists (select from of_scope o where o.entry_id = e.id)
      and not exists (select from versions v where v.entry_id = e.id and v.id not in (select id from of_scope)
                      and v.outcome not in ('deleted', 'vanished', 'cancelled'));
  update entries e set path = '\x00'::bytea || decode(e.id, 'hex') from gone where e.id = gone.id;
  get diagnostics forgotten_entries = row_count;
  return query select forgotten_contents, forgotten_entries;
end $$;
revoke execute on function forget_scope(text) from public;
grant execute on function forget_scope(text) to holdfast_writer;

grant select on manifests, scope_shreddings, key_exports, installation_facts to holdfast_writer, holdfast_reader;
grant insert, update on manifests, scope_shreddings, installation_facts to holdfast_writer;
grant insert on key_exports to holdfast_writer;
-- Catalog rows of a shredded scope lose their paths and hashes: rows that name them may go.
grant delete on manifests to holdfast_writer;
