-- for: events of a customer up to an instant, newest first
-- index: events_of_customer
-- often: when a person looks at a customer
SELECT
    seq, dedupe, id, source, event_type, customer, occurred_at, recorded_at, depth, data, outcome, matches
FROM events
WHERE customer = $1 AND occurred_at <= $2
ORDER BY occurred_at DESC, seq DESC
LIMIT $3;
