-- for: the last lines of runs that the store does not remember
-- index: unique id of runs
-- often: commits that write to journals of runs that were long asleep
SELECT id, journal_last FROM runs WHERE id = ANY ($1);
