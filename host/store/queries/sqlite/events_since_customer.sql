-- for: events of a customer after a place in the log
-- index: events_of_customer
-- often: waits that look back, where the facts say that there is something
SELECT
    seq, dedupe, id, source, event_type, customer, occurred_at, recorded_at, depth, data, outcome, matches
FROM events
WHERE customer = ?1
    AND event_type IN (SELECT value FROM jsonb_each(?2))
    AND seq > ?3 AND seq <= ?4
ORDER BY seq
LIMIT ?5;
