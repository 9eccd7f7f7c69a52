-- for: published versions; a version never changes, only whether it is active
-- index: primary key and playbooks_active of playbooks
-- often: rarely: publishing, scans, files of events
INSERT INTO playbooks (
    name, digest, compiled, files, published_at, is_active
)
SELECT
    value ->> 0, CAST(value ->> 1 AS BLOB), value ->> 2, value ->> 3, value ->> 4, value ->> 5
FROM jsonb_each(?)
WHERE true
ON CONFLICT (name, digest) DO UPDATE SET
    is_active = excluded.is_active;
