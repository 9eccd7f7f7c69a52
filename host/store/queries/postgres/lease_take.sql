-- for: takes the lease: whoever had it is fenced from now on
-- index: primary key of lease
-- often: once an opening
UPDATE lease SET epoch = epoch + 1, writer = epoch + 1 WHERE "only" = 1 RETURNING epoch;
