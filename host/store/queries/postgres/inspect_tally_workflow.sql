-- for: runs of one workflow by phase and how they ended
-- index: runs_of_workflow
-- often: when a person looks
SELECT
    playbook,
    workflow,
    phase,
    coalesce(
        document(status) #>> '{ended,end,completed,outcome}', document(status) #>> '{ended,end,failed,fault,code}'
    ) COLLATE "C",
    count(*)
FROM runs
WHERE playbook = $1 AND workflow = $2
GROUP BY 1, 2, 3, 4
ORDER BY 3, 4
LIMIT $3;
