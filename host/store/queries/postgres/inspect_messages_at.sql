-- for: the first of the messages from a place on, to find the place of an instant by halving
-- index: primary key of messages
-- often: when a person looks: 40 times at most
SELECT no, planned_at FROM messages WHERE no >= $1 ORDER BY no LIMIT 1;
