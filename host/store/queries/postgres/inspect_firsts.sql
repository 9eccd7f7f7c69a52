-- for: the first event of a type of each customer
-- index: primary key of facts, each one's first event by events_of_customer
-- often: ten thousand rows a call, until a report has read all of them
SELECT facts.customer, first.occurred_at, first.data FROM facts
CROSS JOIN LATERAL (
    SELECT occurred_at, data FROM events
    WHERE events.customer = facts.customer AND events.event_type = facts.event_type
        AND events.occurred_at = facts.first_at
    ORDER BY seq
    LIMIT 1
) AS first
WHERE facts.customer > $1 AND facts.event_type = $2
ORDER BY facts.customer, facts.event_type
LIMIT $3;
