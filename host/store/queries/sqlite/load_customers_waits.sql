-- for: waits for events of customers
-- index: waits_of_customer
-- often: every batch that meets such rows for the first time
SELECT customer, id, run, fiber, event_types, matching FROM waits
WHERE customer IN (SELECT CAST(value AS BLOB) FROM jsonb_each(?))
ORDER BY customer, id;
