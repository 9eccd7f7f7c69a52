-- for: codes
-- index: primary key of codes
-- often: every batch that meets such rows for the first time
SELECT lookup, plugin, space, sealed, reference, created_at FROM codes
WHERE lookup = ANY ($1);
