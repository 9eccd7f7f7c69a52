-- for: new outside names
-- index: primary key of identities
-- often: commits that have some
INSERT INTO identities (
    namespace, value, customer
)
SELECT
    value ->> 0, value ->> 1, CAST(value ->> 2 AS BLOB)
FROM jsonb_each(?)
WHERE true
ON CONFLICT (namespace, value) DO UPDATE SET
    customer = excluded.customer;
