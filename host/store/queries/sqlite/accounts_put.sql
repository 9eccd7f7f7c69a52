-- for: what new or changed accounts hold
-- index: primary key of accounts
-- often: commits that change them
INSERT INTO accounts (
    plugin, customer, name, balance
)
SELECT
    value ->> 0, CAST(value ->> 1 AS BLOB), value ->> 2, value ->> 3
FROM jsonb_each(?)
WHERE true
ON CONFLICT (plugin, customer, name) DO UPDATE SET
    balance = excluded.balance;
