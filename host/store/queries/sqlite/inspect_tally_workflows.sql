-- for: runs by workflow, phase and how they ended
-- index: scan: all runs; an index with the end in it would be written with every run
-- often: when a person looks
SELECT
    playbook,
    workflow,
    phase,
    coalesce(status ->> '$.ended.end.completed.outcome', status ->> '$.ended.end.failed.fault.code'),
    count(*)
FROM runs
GROUP BY 1, 2, 3, 4
ORDER BY 1, 2, 3, 4
LIMIT ?1;
