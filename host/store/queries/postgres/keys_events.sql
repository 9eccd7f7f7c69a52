-- for: which events are recorded, by their keys
-- index: events_dedupe
-- often: once after a tenant is opened and busy, page by page beside its work
SELECT dedupe FROM events WHERE dedupe > $1 ORDER BY dedupe LIMIT $2;
