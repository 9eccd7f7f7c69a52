-- for: documents by their keys
-- index: primary key of records
-- often: every batch that meets such rows for the first time
SELECT customer, plugin, key, body FROM records
WHERE (customer, plugin, key) IN
    (SELECT CAST(value ->> 0 AS BLOB), value ->> 1, value ->> 2 FROM jsonb_each(?));
