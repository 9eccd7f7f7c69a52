-- for: new or changed customers; when they were met stays
-- index: unique id of customers
-- often: commits that have some
INSERT INTO customers (
    id, created_at, attributes
)
SELECT
    CAST(value ->> 0 AS BLOB), value ->> 1, value ->> 2
FROM jsonb_each(?)
WHERE true
ON CONFLICT (id) DO UPDATE SET
    attributes = excluded.attributes;
