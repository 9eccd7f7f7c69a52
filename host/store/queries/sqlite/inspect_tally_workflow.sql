-- for: runs of one workflow by phase and how they ended
-- index: runs_of_workflow
-- often: when a person looks
SELECT
    playbook,
    workflow,
    phase,
    coalesce(status ->> '$.ended.end.completed.outcome', status ->> '$.ended.end.failed.fault.code'),
    count(*)
FROM runs
WHERE playbook = ?1 AND workflow = ?2
GROUP BY 3, 4
ORDER BY 3, 4
LIMIT ?3;
