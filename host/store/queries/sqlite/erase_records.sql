-- for: what plugins keep of an erased customer
-- index: primary key of records
-- often: once an erased customer
DELETE FROM records WHERE customer = ?1;
