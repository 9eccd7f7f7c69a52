-- for: the tags of customers
-- index: primary key of tags
-- often: every batch that meets such rows for the first time
SELECT customer, tag, source, added_at, effective_at, expires_at, confidence_percent, evidence
FROM tags WHERE customer = ANY ($1);
