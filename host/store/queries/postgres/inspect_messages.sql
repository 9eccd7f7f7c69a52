-- for: messages, newest first
-- index: primary key of messages
-- often: when a person looks
SELECT
    id, customer, channel, class, template, body, status, reason, attempts, planned_at, due_at, expires_at,
    changed_at, run, step,
    no
FROM messages
WHERE no < $1 AND no >= $2
    AND ($3 IS NULL OR status = $3)
    AND ($4 IS NULL OR channel = $4)
    AND ($5 IS NULL OR customer = $5)
    AND ($6 IS NULL OR planned_at >= $6)
    AND ($7 IS NULL OR planned_at < $7)
ORDER BY no DESC
LIMIT $8;
