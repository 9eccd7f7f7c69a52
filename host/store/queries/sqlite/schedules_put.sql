-- for: new or changed schedules
-- index: primary key of schedules
-- often: rarely: publishing, scans, files of events
INSERT INTO schedules (
    playbook, workflow, pattern, next_at
)
SELECT
    value ->> 0, value ->> 1, value ->> 2, value ->> 3
FROM jsonb_each(?)
WHERE true
ON CONFLICT (playbook, workflow) DO UPDATE SET
    pattern = excluded.pattern,
    next_at = excluded.next_at;
