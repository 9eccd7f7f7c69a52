-- for: the journals of runs that go, read backwards from their last lines
-- index: primary key of journal
-- often: maintenance, a bounded window a call
WITH RECURSIVE line (id) AS (
    SELECT last FROM unnest($1) AS run (last)
    UNION ALL
    SELECT journal.prev FROM line
    JOIN journal ON journal.id = line.id
    WHERE journal.prev IS NOT NULL
)
DELETE FROM journal USING line WHERE journal.id = line.id;
