-- for: the first of the events from a place on, to find the place of an instant by halving
-- index: primary key of events
-- often: when a person looks: 40 times at most
SELECT seq, recorded_at FROM events WHERE seq >= $1 ORDER BY seq LIMIT 1;
