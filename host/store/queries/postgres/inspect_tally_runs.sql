-- for: runs by phase
-- index: scan: all of the narrow index runs_of_phase
-- often: when a person looks
SELECT phase, count(*) FROM runs GROUP BY phase ORDER BY phase;
