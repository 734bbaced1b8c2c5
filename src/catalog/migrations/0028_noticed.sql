-- When the oldest event came that no look at the entry has answered yet: latency counts from then, and so does how long a
-- file has been unprotected. What it says of an entry whose hints are all answered means nothing.
alter table entries add column noticed_at timestamptz;
