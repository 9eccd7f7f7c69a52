-- for: new timers
-- index: primary key of timers
-- often: commits that have some
INSERT INTO timers (
    due_at, id, kind
)
SELECT
    value ->> 0, CAST(value ->> 1 AS BLOB), value ->> 2
FROM jsonb_each(?)
WHERE true
ON CONFLICT (due_at, id) DO UPDATE SET
    kind = excluded.kind;
