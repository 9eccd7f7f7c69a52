-- for: new events; one that is there already breaks the commit
-- index: primary key and events_dedupe of events
-- often: commits that have some
INSERT OR ROLLBACK INTO events (
    seq, dedupe, id, source, event_type, customer, occurred_at, recorded_at, depth, data, outcome, matches
)
SELECT
    value ->> 0, CAST(value ->> 1 AS BLOB), value ->> 2, value ->> 3, value ->> 4, CAST(value ->> 5 AS BLOB),
    value ->> 6, value ->> 7, value ->> 8, value ->> 9, value ->> 10, CAST(value ->> 11 AS BLOB)
FROM jsonb_each(?);
