-- for: events after a place, oldest first
-- index: primary key of events
-- often: with every commit while somebody follows a tenant
SELECT seq, id, source, event_type, customer, occurred_at, recorded_at, outcome
FROM events
WHERE seq > ?
ORDER BY seq
LIMIT ?;
