-- for: the journal of a run, read backwards from its last line
-- index: unique id of runs, primary key of journal
-- often: when a person looks
WITH RECURSIVE line (id) AS (
    SELECT journal_last FROM runs WHERE id = ? AND journal_last IS NOT NULL
    UNION ALL
    SELECT j.prev FROM line
    CROSS JOIN journal AS j ON j.id = line.id
    WHERE j.prev IS NOT NULL
    LIMIT ?
)
SELECT j.run, j.row, j.at, j.step, j.fiber, j.kind, j.detail FROM line
CROSS JOIN journal AS j ON j.id = line.id
ORDER BY j.row;
