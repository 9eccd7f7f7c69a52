-- for: events of a type, newest first
-- index: events_of_type
-- often: when a person looks
SELECT
    seq, dedupe, id, source, event_type, customer, occurred_at, recorded_at, depth, data, outcome, matches
FROM events
WHERE event_type = $3
    AND seq < $1 AND seq >= $2
    AND ($4 IS NULL OR customer = $4)
    AND ($5 IS NULL OR recorded_at >= $5)
    AND ($6 IS NULL OR recorded_at < $6)
ORDER BY seq DESC
LIMIT $7;
