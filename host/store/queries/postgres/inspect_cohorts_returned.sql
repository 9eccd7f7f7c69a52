-- for: in which months customers came back, by the month of their first event
-- index: scan: all facts, and each one's events by events_of_customer
-- often: when a person looks
WITH month (no, start, until) AS (
    SELECT place - 1, value, lead(value) OVER (ORDER BY place)
    FROM unnest($1) WITH ORDINALITY AS bound (value, place)
),
returned (customer, first_at, at) AS (
    SELECT facts.customer, facts.first_at, events.occurred_at
    FROM facts
    JOIN events ON events.customer = facts.customer AND events.event_type = facts.event_type
    WHERE facts.event_type = $2
        AND CASE
            WHEN $3 <> 0 THEN (events.occurred_at + $4) / 86400000 > (facts.first_at + $5) / 86400000
            ELSE events.occurred_at > facts.first_at OR events.seq > (
                SELECT min(seq) FROM events AS first
                WHERE first.customer = facts.customer AND first.event_type = facts.event_type
                    AND first.occurred_at = facts.first_at
            )
        END
)
SELECT began.no, back.no, count(DISTINCT returned.customer)
FROM returned
JOIN month AS began ON returned.first_at >= began.start AND returned.first_at < began.until
JOIN month AS back ON returned.at >= back.start AND returned.at < back.until
GROUP BY began.no, back.no;
