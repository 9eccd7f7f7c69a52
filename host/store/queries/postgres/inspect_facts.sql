-- for: what customers did, in the order of customers and types
-- index: primary key of facts
-- often: ten thousand rows a call, until a report has read all of them
SELECT customer, event_type, count, sum_fen, first_at, last_at, last_seq FROM facts
WHERE (customer, event_type) > ($1, $2)
    AND event_type = ANY ($3)
ORDER BY customer, event_type
LIMIT $4;
