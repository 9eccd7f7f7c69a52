-- for: which names of customers are known
-- index: primary key of identities
-- often: once after a tenant is opened and busy, page by page beside its work
SELECT namespace, value FROM identities WHERE (namespace, value) > ($1, $2) ORDER BY namespace, value LIMIT $3;
