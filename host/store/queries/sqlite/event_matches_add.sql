-- for: under which keys waits with `match` find events later
-- index: primary key of event_matches
-- often: commits that have some
INSERT INTO event_matches (hash, seq)
SELECT CAST(value ->> 0 AS BLOB), value ->> 1
FROM jsonb_each(?)
WHERE true
ON CONFLICT (hash, seq) DO NOTHING;
