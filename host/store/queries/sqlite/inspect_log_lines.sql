-- for: lines of all journals after a place, oldest first; a long detail is left out
-- index: primary key of journal
-- often: with every commit while somebody follows a tenant
SELECT
    run, row, at, step, fiber, kind, CASE WHEN length(detail) <= ? THEN detail END, id,
    CASE WHEN length(detail) > ? THEN 1 ELSE 0 END
FROM journal
WHERE id > ?
ORDER BY id
LIMIT ?;
