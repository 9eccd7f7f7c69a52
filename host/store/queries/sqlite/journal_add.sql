-- for: new lines of journals, in the order of time
-- index: none: appended at the end
-- often: commits that have some
INSERT OR ROLLBACK INTO journal (
    id, prev, run, row, at, step, fiber, kind, detail
)
SELECT
    value ->> 0, value ->> 1, CAST(value ->> 2 AS BLOB), value ->> 3, value ->> 4, value ->> 5,
    value ->> 6, value ->> 7, value ->> 8
FROM jsonb_each(?);
