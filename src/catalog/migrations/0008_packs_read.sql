-- Reading packs: a member is found by where it lies, and may be lost while its neighbours are not.
create unique index pack_members_place on pack_members (pack_id, byte_offset);

-- A catalog that is rebuilt from manifests may not know it.
alter table pack_members alter column sha256 drop not null;

-- Members of a pack that were found damaged in one object and given up: nothing rests on them there any more.
create table lost_members (
  object_id    text not null references objects,
  byte_offset  bigint not null,
  at           timestamptz not null default now(),
  primary key (object_id, byte_offset)
);

-- Every sealed file that lies in an object, alone or in a pack. Nothing is said about the object's state.
create or replace view sealed_files as
  select id as object_id, sealing_id, sha512, 0::bigint as byte_offset, length, sealed_sha256 from objects where pack_id is null
  union all
  select o.id, m.sealing_id, m.sha512, m.byte_offset, m.length, m.sha256
  from objects o join pack_members m on m.pack_id = o.pack_id
  where not exists (select from lost_members l where l.object_id = o.id and l.byte_offset = m.byte_offset);

-- As before, of members of packs too.
create or replace function forget_scope(shredded text) returns table (contents bigint, entries bigint)
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
      and not exists (select from pack_members m join objects o on o.pack_id = m.pack_id
                      where m.sha512 = known.sha512 and o.scope <> shredded)
      and not exists (select from contents c where c.sha512 = known.sha512 and c.media_type = 'forgotten');
  insert into contents (sha512, sha256, size_bytes, media_type, added_at)
    select new, substring(new from 33 for 32), size_bytes, 'forgotten', added_at
    from hidden join contents c on c.sha512 = old;
  update versions v set sha512 = new from hidden where v.sha512 = old;
  update objects o set sha512 = new from hidden where o.sha512 = old;
  update pack_members m set sha512 = new from hidden where m.sha512 = old;
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

grant select on lost_members to holdfast_writer, holdfast_reader;
grant insert on lost_members to holdfast_writer;
