-- for: events, newest first
-- index: primary key of events
-- often: when a person looks
SELECT
    seq, dedupe, id, source, event_type, customer, occurred_at, recorded_at, depth, data, outcome, matches
FROM events
WHERE seq < $1 AND seq >= $2
    AND ($3 IS NULL OR event_type = $3)
    AND ($4 IS NULL OR customer = $4)
    AND ($5 IS NULL OR recorded_at >= $5)
    AND ($6 IS NULL OR recorded_at < $6)
ORDER BY seq DESC
LIMIT $7;
