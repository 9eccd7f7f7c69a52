-- for: removes answers that nobody took for an hour: whoever waited is gone
-- index: answers_of_asker, all of it
-- often: once a start of a host
DELETE FROM siyu.letters WHERE asker > ''::bytea AND answer IS NOT NULL AND answered_at < siyu.now_ms() - 3600000;
