-- for: reservations of a plugin by pool and status
-- index: reservations_of_pool
-- often: when a person looks
SELECT pool, status, count(*), sum(units)::bigint FROM reservations
WHERE plugin = $1
GROUP BY pool, status
ORDER BY pool, status;
