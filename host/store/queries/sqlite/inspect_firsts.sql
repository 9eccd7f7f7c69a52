-- for: the first event of a type of each customer
-- index: primary key of facts, each one's first event by events_of_customer
-- often: ten thousand rows a call, until a report has read all of them
SELECT facts.customer, events.occurred_at, events.data FROM facts
CROSS JOIN events ON events.seq = (
    SELECT min(seq) FROM events AS first
    WHERE first.customer = facts.customer AND first.event_type = facts.event_type
        AND first.occurred_at = facts.first_at
)
WHERE facts.customer > ?1 AND facts.event_type = ?2
ORDER BY facts.customer, facts.event_type
LIMIT ?3;
