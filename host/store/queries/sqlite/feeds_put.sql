-- for: how far files of events were read
-- index: primary key of feeds
-- often: rarely: publishing, scans, files of events
INSERT INTO feeds (
    name, events
)
SELECT
    value ->> 0, value ->> 1
FROM jsonb_each(?)
WHERE true
ON CONFLICT (name) DO UPDATE SET
    events = excluded.events;
