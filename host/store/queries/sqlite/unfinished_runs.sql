-- for: runs of a customer that have not ended
-- index: runs_of_customer
-- often: a look at what is under way for a customer who is to be erased
SELECT id FROM runs WHERE customer = ?1 AND ended_at IS NULL ORDER BY id LIMIT ?2;
