-- for: new or changed messages; to whom and over what is written once
-- index: unique id of messages
-- often: commits that have some
INSERT INTO messages (
    id, customer, channel, class, template, body, status, reason, attempts, planned_at, due_at,
    expires_at, changed_at, run, step
)
SELECT
    CAST(value ->> 0 AS BLOB), CAST(value ->> 1 AS BLOB), value ->> 2, value ->> 3, value ->> 4,
    value ->> 5, value ->> 6, value ->> 7, value ->> 8, value ->> 9, value ->> 10, value ->> 11,
    value ->> 12, CAST(value ->> 13 AS BLOB), value ->> 14
FROM jsonb_each(?)
WHERE true
ON CONFLICT (id) DO UPDATE SET
    status = excluded.status,
    reason = excluded.reason,
    attempts = excluded.attempts,
    due_at = excluded.due_at,
    expires_at = excluded.expires_at,
    changed_at = excluded.changed_at,
    body = excluded.body;
