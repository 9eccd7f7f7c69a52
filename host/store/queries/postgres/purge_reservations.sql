-- for: reservations of a window that are over
-- index: primary key of reservations
-- often: maintenance, a bounded window a call
DELETE FROM reservations WHERE id > $1 AND id <= $2 AND expires_at < $3 AND status <> 'held';
