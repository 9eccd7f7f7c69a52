-- for: the end of a window of reservations
-- index: primary key of reservations
-- often: maintenance, a bounded window a call
SELECT max(id) FROM (SELECT id FROM reservations WHERE id > ? ORDER BY id LIMIT ?);
