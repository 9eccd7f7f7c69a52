-- for: what an executor starts from
-- index: primary key of lease
-- often: once an opening
SELECT committed_at, last_seq FROM lease WHERE "only" = 1;
