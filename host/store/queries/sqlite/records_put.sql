-- for: documents of plugins that were written
-- index: primary key of records
-- often: commits that have some
INSERT INTO records (
    customer, plugin, key, body
)
SELECT
    CAST(value ->> 0 AS BLOB), value ->> 1, value ->> 2, value ->> 3
FROM jsonb_each(?)
WHERE true
ON CONFLICT (customer, plugin, key) DO UPDATE SET
    body = excluded.body;
