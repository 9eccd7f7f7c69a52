-- for: runs that have a place, oldest first
-- index: runs_in_slot
-- often: when a run asks for a place
SELECT id FROM runs
WHERE playbook = $1 AND workflow = $2 AND slot = $3 AND ended_at IS NULL
    AND phase IN ('live', 'paused', 'undoing')
ORDER BY id
LIMIT $4;
