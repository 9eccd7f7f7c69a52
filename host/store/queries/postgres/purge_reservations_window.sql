-- for: the end of a window of reservations
-- index: primary key of reservations
-- often: maintenance, a bounded window a call
SELECT id FROM (SELECT id FROM reservations WHERE id > $1 ORDER BY id LIMIT $2) AS part
ORDER BY id DESC
LIMIT 1;
