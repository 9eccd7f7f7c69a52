-- for: the place of the last of the events
-- index: primary key of events
-- often: when a person looks
SELECT coalesce(max(seq), 0) FROM events;
