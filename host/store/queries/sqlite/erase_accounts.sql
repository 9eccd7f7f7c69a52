-- for: accounts of an erased customer, and accounts with the id in their names: what they hold stays, under the pseudonym
-- index: scan: all accounts, once; an index cannot find a part of a name
-- often: once an erased customer
UPDATE accounts SET
    customer = CASE WHEN customer = ?1 THEN ?2 ELSE customer END,
    name = replace(name, ?3, ?4)
WHERE customer = ?1 OR instr(name, ?3) > 0;
