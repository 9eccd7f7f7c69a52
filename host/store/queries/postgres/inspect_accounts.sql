-- for: accounts of a plugin, the tenant's first
-- index: primary key of accounts
-- often: when a person looks
SELECT plugin, customer, name, balance FROM accounts
WHERE plugin = $1 AND (customer, name) > ($2, $3) AND ($4 IS NULL OR name = $4)
ORDER BY customer, name
LIMIT $5;
