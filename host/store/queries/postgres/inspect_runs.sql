-- for: runs, newest first
-- index: primary key of runs
-- often: when a person looks
SELECT
    id, playbook, version, workflow, customer, key, event, parent, started_at, changed_at, phase, ended_at, status,
    journal_rows, no
FROM runs
WHERE no < $1 AND no >= $2
    AND ($3 IS NULL OR phase = $3)
    AND ($4 IS NULL OR playbook = $4)
    AND ($5 IS NULL OR workflow = $5)
    AND ($6 IS NULL OR customer = $6)
    AND ($7 IS NULL OR started_at >= $7)
    AND ($8 IS NULL OR started_at < $8)
ORDER BY no DESC
LIMIT $9;
