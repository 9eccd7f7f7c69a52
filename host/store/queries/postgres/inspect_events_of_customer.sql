-- for: events of a customer, newest first
-- index: events_of_customer
-- often: when a person looks
SELECT
    seq, dedupe, id, source, event_type, customer, occurred_at, recorded_at, depth, data, outcome, matches
FROM events
WHERE customer = $4
    AND seq < $1 AND seq >= $2
    AND ($3 IS NULL OR event_type = $3)
    AND ($5 IS NULL OR recorded_at >= $5)
    AND ($6 IS NULL OR recorded_at < $6)
ORDER BY seq DESC
LIMIT $7;
