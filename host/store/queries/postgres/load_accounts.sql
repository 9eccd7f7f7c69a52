-- for: what accounts hold
-- index: primary key of accounts
-- often: every batch that meets such rows for the first time
SELECT plugin, customer, name, balance FROM accounts
WHERE (plugin, customer, name) IN
    (SELECT wanted.plugin, wanted.customer, wanted.key FROM unnest($1) AS wanted);
