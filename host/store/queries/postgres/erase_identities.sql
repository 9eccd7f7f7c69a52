-- for: what an erased customer is called outside
-- index: identities_of_customer
-- often: once an erased customer
DELETE FROM identities WHERE customer = $1;
