-- The view sealed_files answers what is asked of all objects, or of one that is named; a join into it reads all of it for
-- each row, because nothing is pushed into a union of joins. These take what is joined as an argument.

-- The sealed file that lies there in an object.
create function sealed_file_at(object text, place bigint)
returns table (object_id text, sealing_id text, sha512 bytea, byte_offset bigint, length bigint, sealed_sha256 bytea)
language sql stable as $$
  select o.id, o.sealing_id, o.sha512, 0::bigint, o.length, o.sealed_sha256
  from objects o where o.id = object and o.pack_id is null and place = 0
  union all
  select o.id, m.sealing_id, m.sha512, m.byte_offset, m.length, m.sha256
  from objects o join pack_members m on m.pack_id = o.pack_id and m.byte_offset = place
  where o.id = object and not exists (select from lost_members l where l.object_id = o.id and l.byte_offset = m.byte_offset)
$$;

-- Every sealed file of a content.
create function sealed_files_of(content bytea)
returns table (object_id text, sealing_id text, sha512 bytea, byte_offset bigint, length bigint, sealed_sha256 bytea)
language sql stable as $$
  select o.id, o.sealing_id, o.sha512, 0::bigint, o.length, o.sealed_sha256
  from objects o where o.sha512 = content and o.pack_id is null
  union all
  select o.id, m.sealing_id, m.sha512, m.byte_offset, m.length, m.sha256
  from pack_members m join objects o on o.pack_id = m.pack_id
  where m.sha512 = content
    and not exists (select from lost_members l where l.object_id = o.id and l.byte_offset = m.byte_offset)
$$;
