-- for: which events are recorded
-- index: events_dedupe
-- often: every batch that meets such rows for the first time
SELECT dedupe, seq FROM events WHERE dedupe = ANY ($1);
