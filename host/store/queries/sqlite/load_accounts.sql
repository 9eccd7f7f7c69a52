-- for: what accounts hold
-- index: primary key of accounts
-- often: every batch that meets such rows for the first time
SELECT plugin, customer, name, balance FROM accounts
WHERE (plugin, customer, name) IN
    (SELECT value ->> 1, CAST(value ->> 0 AS BLOB), value ->> 2 FROM jsonb_each(?));
