-- for: keys of events that go
-- index: primary key of events, primary key of event_matches, scans_open
-- often: maintenance, a bounded window a call
DELETE FROM event_matches USING (
    SELECT substr(e.matches, part.at, 16) AS hash, e.seq
    FROM events AS e
    CROSS JOIN generate_series(1, length(e.matches), 16) AS part (at)
    WHERE e.seq > $1 AND e.seq <= $2 AND e.recorded_at < $3 AND e.matches IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM runs WHERE event = e.seq AND ended_at IS NULL)
        AND NOT EXISTS (
            SELECT 1 FROM scans
            WHERE NOT is_done AND (document(purpose) #>> '{audience,event}')::bigint = e.seq
        )
) AS gone
WHERE event_matches.hash = gone.hash AND event_matches.seq = gone.seq;
