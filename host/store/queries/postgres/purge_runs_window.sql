-- for: the end of a window of runs, and when the first of them began
-- index: primary key of runs
-- often: maintenance, a bounded window a call
SELECT max(no), min(started_at) FROM (SELECT no, started_at FROM runs WHERE no > $1 ORDER BY no LIMIT $2) AS part;
