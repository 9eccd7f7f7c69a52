-- for: what plugins keep of customers
-- index: primary key of records
-- often: every batch that meets such rows for the first time
SELECT customer, plugin, key, body FROM records
WHERE customer = ANY ($1)
ORDER BY customer, plugin, key;
