-- for: reservations
-- index: primary key of reservations
-- often: every batch that meets such rows for the first time
SELECT id, plugin, pool, customer, units, counters, reference, status, expires_at
FROM reservations WHERE id = ANY ($1);
