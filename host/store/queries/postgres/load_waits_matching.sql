-- for: waits with `match`, by their keys
-- index: waits_matching
-- often: every batch that meets such rows for the first time
SELECT customer, id, run, fiber, event_types, matching FROM waits
WHERE matching = ANY ($1);
