-- for: events that plugins planned
-- index: primary key of planned
-- often: commits that change them
INSERT INTO planned (
    plugin, key, due_at, event_type, customer, data, depth
)
SELECT
    value ->> 0, value ->> 1, value ->> 2, value ->> 3, CAST(value ->> 4 AS BLOB), value ->> 5,
    value ->> 6
FROM jsonb_each(?)
WHERE true
ON CONFLICT (plugin, key) DO UPDATE SET
    due_at = excluded.due_at,
    event_type = excluded.event_type,
    customer = excluded.customer,
    data = excluded.data,
    depth = excluded.depth;
