-- for: lines of all journals after a place, oldest first; a long detail is left out
-- index: primary key of journal
-- often: with every commit while somebody follows a tenant
SELECT
    run, "row", at, step, fiber, kind, CASE WHEN length(detail) <= $1 THEN detail END, id,
    CASE WHEN length(detail) > $2 THEN 1::bigint ELSE 0::bigint END
FROM journal
WHERE id > $3
ORDER BY id
LIMIT $4;
