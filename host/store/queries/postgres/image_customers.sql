-- for: how many customers there are
-- index: scan: the narrowest index of customers
-- often: once an opening
SELECT count(*) FROM customers;
