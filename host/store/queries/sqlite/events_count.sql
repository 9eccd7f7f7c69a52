-- for: events of a customer in a window, among those recorded up to a place
-- index: events_of_customer
-- often: expressions with windows
SELECT count(*), min(occurred_at) FROM events
WHERE customer = ? AND event_type = ? AND occurred_at >= ? AND seq <= ?;
