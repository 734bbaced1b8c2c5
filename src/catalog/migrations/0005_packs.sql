-- Packs: many small sealed files in one object (docs/format.md, section 5).

-- Who is in a pack, in which order and where; the same in every destination. A pack's id derives from its object's name
-- without prefix. Written with the intent, before the first byte is sent.
create table pack_members (
  pack_id      text not null,
  position     integer not null check (position >= 0),
  sealing_id   text not null references sealings,
  sha512       bytea not null references contents,
  byte_offset  bigint not null,
  length       bigint not null,
  -- Of the member's sealed bytes.
  sha256       bytea not null check (length(sha256) = 32),
  primary key (pack_id, position)
);
create index pack_members_content on pack_members (sha512);
create index pack_members_sealing on pack_members (sealing_id);

-- An intent and an object are about one sealing or about one pack.
alter table intents alter column sealing_id drop not null;
alter table intents add column pack_id text;
alter table intents add check (num_nonnulls(sealing_id, pack_id) = 1);
alter table intents add unique (pack_id, destination);

alter table objects alter column sealing_id drop not null;
alter table objects alter column sha512 drop not null;
alter table objects add column pack_id text;
alter table objects add check (num_nonnulls(sealing_id, pack_id) = 1 and num_nonnulls(sha512, pack_id) = 1);
create index objects_pack on objects (pack_id) where pack_id is not null;

-- Every sealed file that lies in an object, alone or in a pack.
create view sealed_files as
  select id as object_id, sealing_id, sha512, 0::bigint as byte_offset, length from objects where pack_id is null
  union all
  select o.id, m.sealing_id, m.sha512, m.byte_offset, m.length from objects o join pack_members m on m.pack_id = o.pack_id;

grant select on pack_members, sealed_files to holdfast_writer, holdfast_reader;
grant insert on pack_members to holdfast_writer;
