-- for: keys of events that go
-- index: primary key of events, primary key of event_matches, scans_open
-- often: maintenance, a bounded window a call
DELETE FROM event_matches
WHERE (hash, seq) IN (
    WITH RECURSIVE part (seq, matches, at) AS (
        SELECT e.seq, e.matches, 1 FROM events AS e
        WHERE e.seq > ?1 AND e.seq <= ?2 AND e.recorded_at < ?3 AND e.matches IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM runs WHERE event = e.seq AND ended_at IS NULL)
            AND NOT EXISTS (
                SELECT 1 FROM scans WHERE is_done = 0 AND purpose ->> '$.audience.event' = e.seq
            )
        UNION ALL
        SELECT seq, matches, at + 16 FROM part WHERE at + 16 <= length(matches)
    )
    SELECT substr(matches, at, 16), seq FROM part
);
