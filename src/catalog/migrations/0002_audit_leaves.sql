-- The events' places in the audit log: batches of leaves, each leaf once, in a fixed order.

-- The order of writing; transactions may become visible in another.
alter table audit_events add column number bigint generated always as identity unique;

create table audit_leaves (
  batch         bigint not null,
  index         integer not null,
  event_number  bigint not null unique,
  event_id      text not null unique references audit_events,
  leaf          bytea not null,
  primary key (batch, index)
);

grant select on audit_leaves to holdfast_writer, holdfast_reader;
grant insert on audit_leaves to holdfast_writer;

-- Public facts of the keyring's documents; which scope a key is for stands in its purpose.
alter table keys drop column scope;
