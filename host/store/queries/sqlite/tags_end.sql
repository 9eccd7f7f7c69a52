-- for: tags taken off
-- index: primary key of tags
-- often: commits that change them
DELETE FROM tags
WHERE (customer, tag) IN (SELECT CAST(value ->> 0 AS BLOB), value ->> 1 FROM jsonb_each(?));
