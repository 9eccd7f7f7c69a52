-- for: messages to a customer up to an instant, newest first
-- index: messages_of_customer
-- often: when a person looks at a customer
SELECT
    id, customer, channel, class, template, body, status, reason, attempts, planned_at, due_at, expires_at,
    changed_at, run, step
FROM messages
WHERE customer = $1 AND planned_at <= $2
ORDER BY planned_at DESC, no DESC
LIMIT $3;
