-- for: documents by their keys
-- index: primary key of records
-- often: every batch that meets such rows for the first time
SELECT customer, plugin, key, body FROM records
WHERE (customer, plugin, key) IN
    (SELECT wanted.customer, wanted.plugin, wanted.key FROM unnest($1) AS wanted);
