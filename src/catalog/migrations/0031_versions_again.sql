-- Versions of entries that were looked at before, by time: what a sweep asks for at its end to see how much changed. What is
-- new, and so all of a first sweep, costs it nothing.
create index versions_again on versions (observed_at, id) where observation > 1;
