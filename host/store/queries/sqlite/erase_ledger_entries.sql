-- for: transfers of an erased customer: their units stay, under the pseudonym, so that accounts still add up
-- index: scan: all transfers, once; an index cannot find a part of a name
-- often: once an erased customer
UPDATE ledger_entries SET
    from_customer = CASE WHEN from_customer = ?1 THEN ?2 ELSE from_customer END,
    from_name = replace(from_name, ?3, ?4),
    to_customer = CASE WHEN to_customer = ?1 THEN ?2 ELSE to_customer END,
    to_name = replace(to_name, ?3, ?4),
    reference = CASE
        WHEN from_customer = ?1 OR to_customer = ?1 OR instr(reference, ?3) > 0 THEN NULL
        ELSE reference
    END
WHERE from_customer = ?1 OR to_customer = ?1
    OR instr(from_name, ?3) > 0 OR instr(to_name, ?3) > 0 OR instr(reference, ?3) > 0;
