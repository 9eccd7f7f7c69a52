-- for: new waits
-- index: primary key of waits
-- often: commits that have some
INSERT INTO waits (
    id, run, fiber, customer, event_types, matching
)
SELECT
    CAST(value ->> 0 AS BLOB), CAST(value ->> 1 AS BLOB), value ->> 2, CAST(value ->> 3 AS BLOB),
    value ->> 4, CAST(value ->> 5 AS BLOB)
FROM jsonb_each(?)
WHERE true
ON CONFLICT (id) DO UPDATE SET
    run = excluded.run,
    fiber = excluded.fiber,
    customer = excluded.customer,
    event_types = excluded.event_types,
    matching = excluded.matching;
