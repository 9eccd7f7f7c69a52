-- for: the journal of a run, read backwards from its last line
-- index: unique id of runs, primary key of journal
-- often: when a person looks
WITH RECURSIVE line (id, length) AS (
    SELECT journal_last, 1 FROM runs WHERE id = $1 AND journal_last IS NOT NULL
    UNION ALL
    SELECT j.prev, line.length + 1 FROM line
    JOIN journal AS j ON j.id = line.id
    WHERE j.prev IS NOT NULL AND line.length < $2
)
SELECT j.run, j."row", j.at, j.step, j.fiber, j.kind, j.detail FROM line
JOIN journal AS j ON j.id = line.id
ORDER BY j."row";
