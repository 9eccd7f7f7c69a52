-- for: whose names these are
-- index: primary key of identities
-- often: every batch that meets such rows for the first time
SELECT namespace, value, customer FROM identities
WHERE (namespace, value) IN (SELECT wanted.first, wanted.second FROM unnest($1) AS wanted);
