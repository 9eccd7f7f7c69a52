-- for: events of a customer after a place in the log
-- index: events_of_customer
-- often: waits that look back, where the facts say that there is something
SELECT
    seq, dedupe, id, source, event_type, customer, occurred_at, recorded_at, depth, data, outcome, matches
-- The inner limit keeps the plan from walking the log instead.
FROM (SELECT * FROM events WHERE customer = $1 AND event_type = ANY ($2) OFFSET 0) AS theirs
WHERE seq > $3 AND seq <= $4
ORDER BY seq
LIMIT $5;
