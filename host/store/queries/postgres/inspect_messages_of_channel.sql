-- for: messages in a status over a channel, newest first
-- index: messages_of_status
-- often: when a person looks
SELECT
    id, customer, channel, class, template, body, status, reason, attempts, planned_at, due_at, expires_at,
    changed_at, run, step,
    no
FROM messages
WHERE status = $3
    AND channel = $4
    AND no < $1 AND no >= $2
    AND ($5 IS NULL OR customer = $5)
    AND ($6 IS NULL OR planned_at >= $6)
    AND ($7 IS NULL OR planned_at < $7)
ORDER BY no DESC
LIMIT $8;
