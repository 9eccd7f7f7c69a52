-- for: the last lines of runs that got lines and did not change otherwise
-- index: unique id of runs
-- often: never by the executor of today: its runs change with their journals
UPDATE runs SET journal_last = head.value ->> 1
FROM jsonb_each(?) AS head
WHERE runs.id = CAST(head.value ->> 0 AS BLOB);
