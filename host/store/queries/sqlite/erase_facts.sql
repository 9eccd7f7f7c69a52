-- for: what an erased customer did is counted under the pseudonym
-- index: primary key of facts
-- often: once an erased customer
UPDATE facts SET customer = ?2 WHERE customer = ?1;
