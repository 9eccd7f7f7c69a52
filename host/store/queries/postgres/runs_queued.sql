-- for: runs that wait for a place, oldest first
-- index: runs_in_slot
-- often: when a place becomes free
SELECT id FROM runs
WHERE playbook = $1 AND workflow = $2 AND slot = $3 AND ended_at IS NULL
    AND phase = 'queued'
ORDER BY id
LIMIT $4;
