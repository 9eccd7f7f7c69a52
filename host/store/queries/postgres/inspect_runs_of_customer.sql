-- for: runs of a customer, newest first
-- index: runs_of_customer
-- often: when a person looks
SELECT
    id, playbook, version, workflow, customer, key, event, parent, started_at, changed_at, phase, ended_at, status,
    journal_rows, no
FROM runs
WHERE customer = $6
    AND no < $1 AND no >= $2
    AND ($3 IS NULL OR phase = $3)
    AND ($4 IS NULL OR playbook = $4)
    AND ($5 IS NULL OR workflow = $5)
    AND ($7 IS NULL OR started_at >= $7)
    AND ($8 IS NULL OR started_at < $8)
ORDER BY no DESC
LIMIT $9;
