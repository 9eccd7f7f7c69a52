-- for: planned events
-- index: primary key of planned
-- often: every batch that meets such rows for the first time
SELECT plugin, key, due_at, event_type, customer, data, depth FROM planned
WHERE (plugin, key) IN (SELECT wanted.first, wanted.second FROM unnest($1) AS wanted);
