-- for: breaks the check writer_has_the_lease when another epoch has the lease, and with it the whole transaction
-- index: primary key of lease
-- often: every purge; a commit has the same in its function
UPDATE lease SET
    writer = $1,
    committed_at = greatest(committed_at, $2),
    last_seq = greatest(last_seq, $3)
WHERE "only" = 1;
