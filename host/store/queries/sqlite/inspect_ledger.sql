-- for: transfers between accounts of a plugin, newest first
-- index: primary key of ledger_entries, backwards
-- often: when a person looks
SELECT
    posting, place, plugin, from_customer, from_name, to_customer, to_name, units, at, reference,
    no
FROM ledger_entries
WHERE no < ?2 AND plugin = ?1
    AND (?3 IS NULL OR from_name = ?3 OR to_name = ?3)
ORDER BY no DESC
LIMIT ?4;
