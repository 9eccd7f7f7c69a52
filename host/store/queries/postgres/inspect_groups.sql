-- for: events of a type in a window of the log, counted by what they hold; a path that is not asked for gives NULL
-- index: events_of_type
-- often: when a person looks, a few windows a question
SELECT
    (document(data) #>> $2) COLLATE "C",
    (document(data) #>> $3) COLLATE "C",
    (document(data) #>> $4) COLLATE "C",
    (document(data) #>> $5) COLLATE "C",
    count(*),
    0::bigint,
    coalesce(sum((document(data) #>> $7)::bigint) FILTER (
        WHERE CASE
            WHEN (document(data) #> $7)::text ~ '^-?[0-9]{1,18}$'
                THEN (document(data) #>> $7)::bigint BETWEEN -$8 AND $8
        END
    ), 0)::bigint
FROM events
WHERE event_type = $1
    AND ($6 IS NULL OR (document(data) #>> $6) IS NOT NULL)
    AND ($9 IS NULL OR occurred_at >= $9)
    AND ($10 IS NULL OR occurred_at < $10)
    AND seq > $12 AND seq <= $13
GROUP BY 1, 2, 3, 4
ORDER BY 1 NULLS FIRST, 2 NULLS FIRST, 3 NULLS FIRST, 4 NULLS FIRST
LIMIT $11;
