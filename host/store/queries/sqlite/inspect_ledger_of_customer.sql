-- for: transfers from and to accounts of a customer, newest first
-- index: ledger_entries_from and ledger_entries_to
-- often: when a person looks
SELECT
    posting, place, plugin, from_customer, from_name, to_customer, to_name, units, at, reference,
    no
FROM ledger_entries
WHERE no IN (
    SELECT part.no FROM (
        SELECT no FROM ledger_entries
        WHERE from_customer = ?5 AND no < ?2 AND plugin = ?1 AND (?3 IS NULL OR from_name = ?3)
        ORDER BY no DESC
        LIMIT ?4
    ) AS part
    UNION
    SELECT part.no FROM (
        SELECT no FROM ledger_entries
        WHERE to_customer = ?5 AND no < ?2 AND plugin = ?1 AND (?3 IS NULL OR to_name = ?3)
        ORDER BY no DESC
        LIMIT ?4
    ) AS part
)
ORDER BY no DESC
LIMIT ?4;
