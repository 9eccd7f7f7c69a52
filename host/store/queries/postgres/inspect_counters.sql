-- for: counters of a plugin by prefix
-- index: primary key of counters
-- often: when a person looks
SELECT plugin, key, used, limit_max FROM counters
WHERE plugin = $1 AND key > $2 AND key >= $3 AND key < $4
ORDER BY key
LIMIT $5;
