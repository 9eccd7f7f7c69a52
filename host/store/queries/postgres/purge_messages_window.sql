-- for: the end of a window of messages
-- index: primary key of messages
-- often: maintenance, a bounded window a call
SELECT max(no), min(planned_at) FROM (SELECT no, planned_at FROM messages WHERE no > $1 ORDER BY no LIMIT $2) AS part;
