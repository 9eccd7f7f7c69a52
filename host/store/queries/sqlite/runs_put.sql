-- for: runs that are new, stand elsewhere than before, or are not remembered; for whom a run is, is written once
-- index: unique id of runs
-- often: commits that have some
INSERT INTO runs (
    id, playbook, version, workflow, customer, key, slot, event, since_seq, depth, parent, parent_fiber,
    started_at, changed_at, phase, ended_at, status, journal_rows, journal_last, state
)
SELECT
    CAST(value ->> 0 AS BLOB), value ->> 1, CAST(value ->> 2 AS BLOB), value ->> 3,
    CAST(value ->> 4 AS BLOB), value ->> 5, value ->> 6, value ->> 7, value ->> 8, value ->> 9,
    CAST(value ->> 10 AS BLOB), value ->> 11, value ->> 12, value ->> 13, value ->> 14, value ->> 15,
    value ->> 16, value ->> 17, value ->> 18, value ->> 19
FROM jsonb_each(?)
WHERE true
ON CONFLICT (id) DO UPDATE SET
    slot = excluded.slot,
    changed_at = excluded.changed_at,
    phase = excluded.phase,
    ended_at = excluded.ended_at,
    status = excluded.status,
    journal_rows = excluded.journal_rows,
    journal_last = coalesce(excluded.journal_last, journal_last),
    state = excluded.state;
