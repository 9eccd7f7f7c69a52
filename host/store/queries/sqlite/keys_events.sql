-- for: which events are recorded, by their keys
-- index: events_dedupe
-- often: once after a tenant is opened and busy, page by page beside its work
SELECT dedupe FROM events WHERE dedupe > ? ORDER BY dedupe LIMIT ?;
