-- for: tags of a customer up to an instant, newest first
-- index: primary key of tags
-- often: when a person looks at a customer
SELECT tag, source, added_at, effective_at, expires_at, confidence_percent, evidence FROM tags
WHERE customer = $1 AND added_at <= $2
ORDER BY added_at DESC, tag
LIMIT $3;
