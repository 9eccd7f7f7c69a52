-- for: the end of a window of runs
-- index: primary key of runs
-- often: maintenance, a bounded window a call
SELECT max(no) FROM (SELECT no FROM runs WHERE no > $1 ORDER BY no LIMIT $2) AS part;
