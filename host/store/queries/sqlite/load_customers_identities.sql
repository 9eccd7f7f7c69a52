-- for: the names of customers
-- index: identities_of_customer
-- often: every batch that meets such rows for the first time
SELECT customer, namespace, value FROM identities
WHERE customer IN (SELECT CAST(value AS BLOB) FROM jsonb_each(?))
ORDER BY customer, namespace, value;
