-- for: accounts of a customer with a plugin
-- index: primary key of accounts
-- often: when a person looks
SELECT plugin, customer, name, balance FROM accounts
WHERE plugin = ?1 AND customer = ?2 AND name > ?3 AND (?4 IS NULL OR name = ?4)
ORDER BY name
LIMIT ?5;
