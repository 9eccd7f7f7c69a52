-- for: breaks the check writer_has_the_lease when another epoch has the lease, and with it the whole commit
-- index: primary key of lease
-- often: every commit, first
UPDATE lease SET
    writer = ?,
    committed_at = max(committed_at, ?),
    last_seq = max(last_seq, ?)
WHERE only = 1;
