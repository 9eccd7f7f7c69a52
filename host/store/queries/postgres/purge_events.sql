-- for: old events of a window that no open run and no open scan needs
-- index: primary key of events, runs_open_event, scans_open
-- often: maintenance, a bounded window a call
DELETE FROM events
WHERE seq > $1 AND seq <= $2 AND recorded_at < $3
    AND NOT EXISTS (SELECT 1 FROM runs WHERE event = events.seq AND ended_at IS NULL)
    AND NOT EXISTS (
        SELECT 1 FROM scans
        WHERE NOT is_done AND (document(purpose) #>> '{audience,event}')::bigint = events.seq
    );
