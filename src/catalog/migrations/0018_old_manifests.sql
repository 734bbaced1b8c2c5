-- `deleting`: older than any recovery needs, and about to be deleted, as an object of content is.
alter table manifests drop constraint manifests_state_check;
alter table manifests add constraint manifests_state_check check (state in ('open', 'committed', 'abandoned', 'missing', 'deleting'));
