-- for: documents of plugins that were removed
-- index: primary key of records
-- often: commits that change them
DELETE FROM records
WHERE (customer, plugin, key) IN
    (SELECT CAST(value ->> 0 AS BLOB), value ->> 1, value ->> 2 FROM jsonb_each(?));
