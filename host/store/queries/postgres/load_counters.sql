-- for: counters
-- index: primary key of counters
-- often: every batch that meets such rows for the first time
SELECT plugin, key, used, limit_max FROM counters
WHERE (plugin, key) IN (SELECT wanted.first, wanted.second FROM unnest($1) AS wanted);
