-- for: pools
-- index: primary key of pools
-- often: every batch that meets such rows for the first time
SELECT plugin, key, total, available, reserved, sold FROM pools
WHERE (plugin, key) IN (SELECT value ->> 0, value ->> 1 FROM jsonb_each(?));
