-- for: messages that are planned and due, in the order of their ids
-- index: messages_planned
-- often: once an opening
SELECT
    id, customer, channel, class, template, body, status, reason, attempts, planned_at, due_at, expires_at,
    changed_at, run, step
FROM messages
WHERE status = 'planned' AND id > $1 AND due_at < $2
ORDER BY id
LIMIT $3;
