-- for: plans taken back or carried out
-- index: primary key of planned
-- often: commits that change them
DELETE FROM planned WHERE (plugin, key) IN (SELECT value ->> 0, value ->> 1 FROM jsonb_each(?));
