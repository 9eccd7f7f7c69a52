-- for: which workflows ran for an erased customer
-- index: entries_of_customer
-- often: once an erased customer
DELETE FROM entries WHERE customer = $1;
