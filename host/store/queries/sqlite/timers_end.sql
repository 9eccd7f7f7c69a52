-- for: removes timers that fired or were taken back
-- index: primary key of timers
-- often: commits that have some
DELETE FROM timers
WHERE (due_at, id) IN (SELECT value ->> 0, CAST(value ->> 1 AS BLOB) FROM jsonb_each(?));
