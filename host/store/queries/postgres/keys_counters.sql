-- for: which counters there are
-- index: primary key of counters
-- often: once after a tenant is opened and busy, page by page beside its work
SELECT plugin, key FROM counters WHERE (plugin, key) > ($1, $2) ORDER BY plugin, key LIMIT $3;
