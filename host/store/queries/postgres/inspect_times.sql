-- for: when customers did something, in the order of customers and time
-- index: primary key of facts, each one's instants from events_of_customer alone
-- often: ten thousand rows a call, until a report has read all of them
SELECT facts.customer, events.occurred_at, events.seq FROM facts
JOIN events ON events.customer = facts.customer AND events.event_type = facts.event_type
WHERE facts.customer >= $1 AND facts.event_type = $2
    AND (facts.customer > $1 OR (events.occurred_at, events.seq) > ($3, $4))
ORDER BY facts.customer, facts.event_type, events.occurred_at, events.seq
LIMIT $5;
