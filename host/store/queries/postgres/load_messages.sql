-- for: messages
-- index: unique id of messages
-- often: every batch that meets such rows for the first time
SELECT
    id, customer, channel, class, template, body, status, reason, attempts, planned_at, due_at, expires_at,
    changed_at, run, step
FROM messages WHERE id = ANY ($1);
