-- for: customers
-- index: unique id of customers
-- often: every batch that meets such rows for the first time
SELECT id, created_at, attributes FROM customers WHERE id = ANY ($1);
