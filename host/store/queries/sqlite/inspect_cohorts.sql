-- for: customers by the month of their first event of a type
-- index: scan: all facts, once
-- often: when a person looks
WITH month (no, start, until) AS (
    SELECT key, value, lead(value) OVER (ORDER BY key) FROM jsonb_each(?)
)
SELECT month.no, count(*)
FROM facts
JOIN month ON facts.first_at >= month.start AND facts.first_at < month.until
WHERE facts.event_type = ?
GROUP BY month.no;
