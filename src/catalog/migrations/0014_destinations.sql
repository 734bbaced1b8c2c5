-- Several destinations for one version, and copies made between them.

-- When a planned copy was last tried in vain.
alter table placements add column tried_at timestamptz;
-- What waits for its copy, oldest first.
create index placements_planned on placements (destination, at) where state = 'planned';

-- Made to copy an object from another destination: whoever copies goes on with it, the reconciler leaves it alone.
alter table intents add column copies boolean not null default false;

-- `missing`: the destination was away when the manifest was written; it is copied there from another one.
alter table manifests drop constraint manifests_state_check;
alter table manifests add constraint manifests_state_check check (state in ('open', 'committed', 'abandoned', 'missing'));
