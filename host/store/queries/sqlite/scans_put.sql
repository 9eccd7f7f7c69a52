-- for: new or changed scans
-- index: primary key of scans
-- often: rarely: publishing, scans, files of events
INSERT INTO scans (
    id, purpose, started_at, spread_ms, total, seen, hits, after, is_done
)
SELECT
    CAST(value ->> 0 AS BLOB), value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5,
    value ->> 6, CAST(value ->> 7 AS BLOB), value ->> 8
FROM jsonb_each(?)
WHERE true
ON CONFLICT (id) DO UPDATE SET
    purpose = excluded.purpose,
    started_at = excluded.started_at,
    spread_ms = excluded.spread_ms,
    total = excluded.total,
    seen = excluded.seen,
    hits = excluded.hits,
    after = excluded.after,
    is_done = excluded.is_done;
