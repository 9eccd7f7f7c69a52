-- for: documents of a plugin by prefix, in the order of their keys
-- index: primary key of records
-- often: when a plugin scans
SELECT key, body FROM records
WHERE customer = $1 AND plugin = $2 AND key > $3 AND key >= $4 AND key < $5
ORDER BY key
LIMIT $6;
