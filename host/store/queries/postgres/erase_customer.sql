-- for: an erased customer
-- index: unique id of customers
-- often: once an erased customer
DELETE FROM customers WHERE id = $1;
