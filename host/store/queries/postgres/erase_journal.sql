-- for: what the journals of an erased customer say, read backwards from the last lines of their runs
-- index: runs_of_customer, primary key of journal
-- often: once an erased customer
WITH RECURSIVE line (id) AS (
    SELECT journal_last FROM runs WHERE customer = $1 AND journal_last IS NOT NULL
    UNION ALL
    SELECT journal.prev FROM line
    JOIN journal ON journal.id = line.id
    WHERE journal.prev IS NOT NULL
)
UPDATE journal SET detail = NULL FROM line WHERE journal.id = line.id;
