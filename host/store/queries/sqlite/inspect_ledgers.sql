-- for: accounts of each plugin, and what they hold together
-- index: scan: all accounts, to add them up
-- often: when a person looks
-- In two parts, so that no part of the sum goes beyond 63 bits.
SELECT plugin, count(*), sum(balance / 1000000) * 1000000 + sum(balance % 1000000)
FROM accounts
GROUP BY plugin
ORDER BY plugin;
