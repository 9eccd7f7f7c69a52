-- for: customers
-- index: unique id of customers
-- often: every batch that meets such rows for the first time
SELECT id, created_at, attributes FROM customers WHERE id IN (SELECT CAST(value AS BLOB) FROM jsonb_each(?));
