-- for: planned events
-- index: primary key of planned
-- often: every batch that meets such rows for the first time
SELECT plugin, key, due_at, event_type, customer, data, depth FROM planned
WHERE (plugin, key) IN (SELECT value ->> 0, value ->> 1 FROM jsonb_each(?));
