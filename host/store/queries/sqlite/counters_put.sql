-- for: new or changed counters
-- index: primary key of counters
-- often: commits that change them
INSERT INTO counters (
    plugin, key, used, limit_max
)
SELECT
    value ->> 0, value ->> 1, value ->> 2, value ->> 3
FROM jsonb_each(?)
WHERE true
ON CONFLICT (plugin, key) DO UPDATE SET
    used = excluded.used,
    limit_max = excluded.limit_max;
