-- for: runs that only went on: nothing of this is in an index, while where a run stands is in four
-- index: unique id of runs
-- often: commits that have some
UPDATE runs SET
    changed_at = run.value ->> 1,
    journal_rows = run.value ->> 2,
    journal_last = coalesce(run.value ->> 3, journal_last),
    state = run.value ->> 4
FROM jsonb_each(?) AS run
WHERE runs.id = CAST(run.value ->> 0 AS BLOB);
