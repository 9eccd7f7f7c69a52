-- for: events of a customer in a window, among those recorded up to a place
-- index: events_of_customer
-- often: expressions with windows
SELECT count(*), min(occurred_at) FROM events
WHERE customer = $1 AND event_type = $2 AND occurred_at >= $3 AND seq <= $4;
