-- for: customers in the order of their ids
-- index: unique id of customers
-- often: every batch of a scan
SELECT id FROM customers WHERE id > $1 ORDER BY id LIMIT $2;
