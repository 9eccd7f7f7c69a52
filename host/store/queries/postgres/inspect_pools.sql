-- for: pools of a plugin by prefix
-- index: primary key of pools
-- often: when a person looks
SELECT plugin, key, total, available, reserved, sold FROM pools
WHERE plugin = $1 AND key > $2 AND key >= $3 AND key < $4
ORDER BY key
LIMIT $5;
