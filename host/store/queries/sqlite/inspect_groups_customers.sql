-- for: events of a type, counted by what they hold, with their customers; see inspect_groups
-- index: events_of_type
-- often: when a person looks
SELECT
    CAST(data ->> ?2 AS TEXT),
    CAST(data ->> ?3 AS TEXT),
    CAST(data ->> ?4 AS TEXT),
    CAST(data ->> ?5 AS TEXT),
    count(*),
    count(DISTINCT customer),
    coalesce(sum(data ->> ?7) FILTER (
        WHERE typeof(data ->> ?7) = 'integer' AND (data ->> ?7) BETWEEN -?8 AND ?8
    ), 0)
FROM events
WHERE event_type = ?1
    AND (?6 IS NULL OR (data ->> ?6) IS NOT NULL)
    AND (?9 IS NULL OR occurred_at >= ?9)
    AND (?10 IS NULL OR occurred_at < ?10)
GROUP BY 1, 2, 3, 4
ORDER BY 1, 2, 3, 4
LIMIT ?11;
