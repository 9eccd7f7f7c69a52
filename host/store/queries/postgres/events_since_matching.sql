-- for: events under a key after a place in the log
-- index: primary key of event_matches, primary key of events
-- often: waits with `match` that look back
SELECT
    e.seq, e.dedupe, e.id, e.source, e.event_type, e.customer, e.occurred_at, e.recorded_at, e.depth,
    e.data, e.outcome, e.matches
FROM event_matches AS m
JOIN events AS e ON e.seq = m.seq
WHERE m.hash = $1
    AND m.seq > $3 AND m.seq <= $4
    AND e.event_type = ANY ($2)
ORDER BY m.seq
LIMIT $5;
