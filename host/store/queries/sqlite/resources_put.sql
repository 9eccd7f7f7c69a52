-- for: definitions put into force
-- index: primary key of resources
-- often: rarely: publishing, scans, files of events
INSERT INTO resources (
    plugin, kind, name, playbook, body, reactions
)
SELECT
    value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5
FROM jsonb_each(?)
WHERE true
ON CONFLICT (plugin, kind, name) DO UPDATE SET
    playbook = excluded.playbook,
    body = excluded.body,
    reactions = excluded.reactions;
