-- Stored content that is scanned again when the scanner knows more.

-- The last look at each content that lies in a bucket: one row, however often it is looked at. A verdict that is another
-- than before is a row in scans as well. Goes with the content when a shredded scope's hashes are forgotten.
create table rescans (
  sha512              bytea primary key references contents on delete cascade,
  result              text not null check (result in ('clean', 'infected', 'not_scanned', 'unreadable')),
  -- Of `not_scanned`, and the failure's code of `unreadable`.
  reason              text,
  engine              text not null,
  signature_revision  text not null,
  signatures_at       timestamptz not null,
  signature_set       text not null,
  at                  timestamptz not null default now()
);
-- What is newest known of a content.
create index scans_content on scans (sha512, at desc);

-- The signature that found a version's content infected after it was stored; null where none does.
alter table versions add column late_signature text;
create index versions_late on versions (sha512) where late_signature is not null;

grant select on rescans to holdfast_writer, holdfast_reader;
grant insert, update on rescans to holdfast_writer;
