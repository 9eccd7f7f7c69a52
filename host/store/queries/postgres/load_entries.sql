-- for: entries by their keys
-- index: primary key of entries
-- often: every batch that meets such rows for the first time
SELECT customer, hash, run, started_at, is_alive FROM entries WHERE hash = ANY ($1);
