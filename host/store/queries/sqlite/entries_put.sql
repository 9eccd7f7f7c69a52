-- for: new or changed entries
-- index: primary key of entries
-- often: commits that have some
INSERT INTO entries (
    hash, customer, run, started_at, is_alive
)
SELECT
    CAST(value ->> 0 AS BLOB), CAST(value ->> 1 AS BLOB), CAST(value ->> 2 AS BLOB), value ->> 3,
    value ->> 4
FROM jsonb_each(?)
WHERE true
ON CONFLICT (hash) DO UPDATE SET
    run = excluded.run,
    started_at = excluded.started_at,
    is_alive = excluded.is_alive;
