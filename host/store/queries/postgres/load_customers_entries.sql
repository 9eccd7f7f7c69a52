-- for: which workflows ran for customers
-- index: entries_of_customer
-- often: every batch that meets such rows for the first time
SELECT customer, hash, run, started_at, is_alive FROM entries
WHERE customer = ANY ($1)
ORDER BY customer, hash;
