-- for: events of a type in a window of the log, counted by what they hold; a path that is not asked for gives NULL
-- index: events_of_type
-- often: when a person looks, a few windows a question
SELECT
    CAST(data ->> ?2 AS TEXT),
    CAST(data ->> ?3 AS TEXT),
    CAST(data ->> ?4 AS TEXT),
    CAST(data ->> ?5 AS TEXT),
    count(*),
    0,
    coalesce(sum(data ->> ?7) FILTER (
        WHERE typeof(data ->> ?7) = 'integer' AND (data ->> ?7) BETWEEN -?8 AND ?8
    ), 0)
FROM events
WHERE event_type = ?1
    AND (?6 IS NULL OR (data ->> ?6) IS NOT NULL)
    AND (?9 IS NULL OR occurred_at >= ?9)
    AND (?10 IS NULL OR occurred_at < ?10)
    AND seq > ?12 AND seq <= ?13
GROUP BY 1, 2, 3, 4
ORDER BY 1, 2, 3, 4
LIMIT ?11;
