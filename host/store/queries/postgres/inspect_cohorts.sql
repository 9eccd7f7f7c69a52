-- for: customers by the month of their first event of a type
-- index: scan: all facts, once
-- often: when a person looks
WITH month (no, start, until) AS (
    SELECT place - 1, value, lead(value) OVER (ORDER BY place)
    FROM unnest($1) WITH ORDINALITY AS bound (value, place)
)
SELECT month.no, count(*)
FROM facts
JOIN month ON facts.first_at >= month.start AND facts.first_at < month.until
WHERE facts.event_type = $2
GROUP BY month.no;
