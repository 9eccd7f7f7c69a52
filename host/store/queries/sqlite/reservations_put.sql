-- for: new or changed reservations; of which pool and for whom is written once
-- index: primary key of reservations
-- often: commits that change them
INSERT INTO reservations (
    id, plugin, pool, customer, units, counters, reference, status, expires_at
)
SELECT
    CAST(value ->> 0 AS BLOB), value ->> 1, value ->> 2, CAST(value ->> 3 AS BLOB), value ->> 4,
    value ->> 5, value ->> 6, value ->> 7, value ->> 8
FROM jsonb_each(?)
WHERE true
ON CONFLICT (id) DO UPDATE SET
    units = excluded.units,
    counters = excluded.counters,
    reference = excluded.reference,
    status = excluded.status,
    expires_at = excluded.expires_at;
