-- for: passes over customers, newest first
-- index: primary key of scans
-- often: when a person looks
SELECT id, purpose, started_at, spread_ms, total, seen, hits, after, is_done FROM scans
WHERE id < $1
ORDER BY id DESC
LIMIT $2;
