-- for: whose names these are
-- index: primary key of identities
-- often: every batch that meets such rows for the first time
SELECT namespace, value, customer FROM identities
WHERE (namespace, value) IN (SELECT value ->> 0, value ->> 1 FROM jsonb_each(?));
