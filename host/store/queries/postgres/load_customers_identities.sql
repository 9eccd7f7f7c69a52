-- for: the names of customers
-- index: identities_of_customer
-- often: every batch that meets such rows for the first time
SELECT customer, namespace, value FROM identities
WHERE customer = ANY ($1)
ORDER BY customer, namespace, value;
