-- for: counters of an erased customer, by the id in their names
-- index: scan: all counters, once; an index cannot find a part of a name
-- often: once an erased customer
DELETE FROM counters WHERE strpos(key, $1) > 0;
