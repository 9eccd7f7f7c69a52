-- for: stock that is held for a customer
-- index: scan: all reservations; an index would be written with every one
-- often: a look at what is under way for a customer who is to be erased
SELECT id FROM reservations WHERE customer = $1 AND status = 'held' ORDER BY id LIMIT $2;
