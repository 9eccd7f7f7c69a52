-- for: reservations of a window that are over
-- index: primary key of reservations
-- often: maintenance, a bounded window a call
DELETE FROM reservations WHERE id > ? AND id <= ? AND expires_at < ? AND status <> 'held';
