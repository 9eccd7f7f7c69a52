-- for: the end of a window of old events
-- index: primary key of events
-- often: maintenance, a bounded window a call
SELECT max(seq), min(recorded_at) FROM (SELECT seq, recorded_at FROM events WHERE seq > $1 ORDER BY seq LIMIT $2) AS part;
