-- for: the place of the last of the runs
-- index: primary key of runs
-- often: when a person looks
SELECT coalesce(max(no), 0) FROM runs;
