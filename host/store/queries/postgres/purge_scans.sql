-- for: scans that are over
-- index: scan: scans are few
-- often: maintenance, a bounded window a call
DELETE FROM scans
WHERE id IN (SELECT id FROM scans WHERE is_done AND started_at < $1 ORDER BY id LIMIT $2);
