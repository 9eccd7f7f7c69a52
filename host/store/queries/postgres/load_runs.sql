-- for: runs with the events that started them
-- index: unique id of runs, primary key of events
-- often: every batch that meets such rows for the first time
SELECT
    r.id, r.playbook, r.version, r.workflow, r.customer, r.key, r.slot, r.event, r.since_seq, r.depth,
    r.parent, r.parent_fiber, r.started_at, r.changed_at, r.phase, r.ended_at, r.status, r.journal_rows, r.state,
    e.seq, e.dedupe, e.id, e.source, e.event_type, e.customer, e.occurred_at, e.recorded_at, e.depth,
    e.data, e.outcome, e.matches
FROM runs AS r
LEFT JOIN events AS e ON e.seq = r.event
WHERE r.id = ANY ($1);
