-- for: runs of a window by workflow, phase and how they ended; a window bounds what has to be sorted
-- index: primary key of runs; an index with the end in it would be written with every run
-- often: when a person looks, a few windows a question
SELECT
    playbook,
    workflow,
    phase,
    coalesce(
        document(status) #>> '{ended,end,completed,outcome}', document(status) #>> '{ended,end,failed,fault,code}'
    ) COLLATE "C",
    count(*)
FROM runs
WHERE no > $1 AND no <= $2
GROUP BY 1, 2, 3, 4;
