-- for: waits for events of customers
-- index: waits_of_customer
-- often: every batch that meets such rows for the first time
SELECT customer, id, run, fiber, event_types, matching FROM waits
WHERE customer = ANY ($1)
ORDER BY customer, id;
