-- for: the facts of customers
-- index: primary key of facts
-- often: every batch that meets such rows for the first time
SELECT customer, event_type, count, sum_fen, first_at, last_at, last_seq
FROM facts WHERE customer = ANY ($1);
