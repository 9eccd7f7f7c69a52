-- for: counters
-- index: primary key of counters
-- often: every batch that meets such rows for the first time
SELECT plugin, key, used, limit_max FROM counters
WHERE (plugin, key) IN (SELECT value ->> 0, value ->> 1 FROM jsonb_each(?));
