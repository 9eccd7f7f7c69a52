-- for: removes waits that are over
-- index: primary key of waits
-- often: commits that have some
DELETE FROM waits WHERE id IN (SELECT CAST(value AS BLOB) FROM jsonb_each(?));
