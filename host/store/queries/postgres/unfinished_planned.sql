-- for: events that plugins planned for a customer
-- index: scan: all plans; an index would be written with every one
-- often: a look at what is under way for a customer who is to be erased
SELECT plugin, key FROM planned WHERE customer = $1 ORDER BY plugin, key LIMIT $2;
