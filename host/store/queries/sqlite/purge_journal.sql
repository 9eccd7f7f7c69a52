-- for: the journals of runs that go, read backwards from their last lines
-- index: primary key of journal
-- often: maintenance, a bounded window a call
WITH RECURSIVE line (id) AS (
    SELECT value FROM jsonb_each(?)
    UNION ALL
    SELECT journal.prev FROM line
    CROSS JOIN journal ON journal.id = line.id
    WHERE journal.prev IS NOT NULL
)
DELETE FROM journal WHERE id IN (SELECT id FROM line);
