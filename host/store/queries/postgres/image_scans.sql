-- for: scans that are not over
-- index: scans_open
-- often: once an opening
SELECT id, purpose, started_at, spread_ms, total, seen, hits, after, is_done FROM scans
WHERE NOT is_done;
