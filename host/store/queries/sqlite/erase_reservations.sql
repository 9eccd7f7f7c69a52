-- for: what an erased customer had reserved is counted for nobody
-- index: scan: all reservations, once; an index would be written with every one
-- often: once an erased customer
UPDATE reservations SET customer = NULL, reference = NULL, counters = '[]' WHERE customer = ?1;
