-- for: where known runs stand, when that changed: it is in four indexes, which an update writes even if nothing changes
-- index: unique id of runs
-- often: every commit, for runs that end, pause, get a place, or that the store does not remember
UPDATE runs SET
    slot = stand.value ->> 1,
    phase = stand.value ->> 2,
    ended_at = stand.value ->> 3,
    status = stand.value ->> 4
FROM jsonb_each(?) AS stand
WHERE runs.id = CAST(stand.value ->> 0 AS BLOB)
    AND (
        runs.phase <> stand.value ->> 2
        OR runs.slot IS NOT stand.value ->> 1
        OR runs.status IS NOT stand.value ->> 4
    );
