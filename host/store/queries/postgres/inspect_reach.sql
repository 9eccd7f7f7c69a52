-- for: customers who did something at least so often
-- index: scan: all facts; an index would be written with every event
-- often: when a person looks
SELECT count(*) FROM facts WHERE event_type = $1 AND count >= $2;
