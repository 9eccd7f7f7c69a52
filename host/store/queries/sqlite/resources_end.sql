-- for: definitions taken away
-- index: primary key of resources
-- often: rarely: publishing, scans, files of events
DELETE FROM resources
WHERE (plugin, kind, name) IN (SELECT value ->> 0, value ->> 1, value ->> 2 FROM jsonb_each(?));
