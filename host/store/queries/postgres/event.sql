-- for: one event
-- index: primary key of events
-- often: when a scan goes on
SELECT
    seq, dedupe, id, source, event_type, customer, occurred_at, recorded_at, depth, data, outcome, matches
FROM events WHERE seq = $1;
