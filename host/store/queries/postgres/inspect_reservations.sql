-- for: reservations of a plugin by the prefix of their pools
-- index: reservations_of_pool
-- often: when a person looks
SELECT id, plugin, pool, customer, units, counters, reference, status, expires_at
FROM reservations
WHERE plugin = $1 AND (pool, id) > ($2, $3) AND pool >= $4 AND pool < $5
ORDER BY pool, id
LIMIT $6;
