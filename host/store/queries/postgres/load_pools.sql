-- for: pools
-- index: primary key of pools
-- often: every batch that meets such rows for the first time
SELECT plugin, key, total, available, reserved, sold FROM pools
WHERE (plugin, key) IN (SELECT wanted.first, wanted.second FROM unnest($1) AS wanted);
