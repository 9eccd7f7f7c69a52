-- for: events by type
-- index: scan: all of the narrow index events_of_type
-- often: when a person looks
SELECT event_type, count(*) FROM events GROUP BY event_type ORDER BY event_type;
