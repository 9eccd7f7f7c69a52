-- for: scans
-- index: primary key of scans
-- often: every batch that meets such rows for the first time
SELECT id, purpose, started_at, spread_ms, total, seen, hits, after, is_done FROM scans
WHERE id = ANY ($1);
