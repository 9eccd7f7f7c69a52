-- for: runs of a customer up to an instant, newest first
-- index: runs_of_customer
-- often: when a person looks at a customer
SELECT
    id, playbook, version, workflow, customer, key, event, parent, started_at, changed_at, phase, ended_at, status,
    journal_rows, no
FROM runs
WHERE customer = $1 AND started_at <= $2
ORDER BY started_at DESC, no DESC
LIMIT $3;
