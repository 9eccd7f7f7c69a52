-- for: new transfers between accounts, in the order in which they were made
-- index: ledger_entries_posting, and appended at the end
-- often: commits that have some
INSERT OR ROLLBACK INTO ledger_entries (
    posting, place, plugin, from_customer, from_name, to_customer, to_name, units, at, reference
)
SELECT
    CAST(value ->> 0 AS BLOB), value ->> 1, value ->> 2, CAST(value ->> 3 AS BLOB), value ->> 4,
    CAST(value ->> 5 AS BLOB), value ->> 6, value ->> 7, value ->> 8, value ->> 9
FROM jsonb_each(?);
