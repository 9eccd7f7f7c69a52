-- for: the first of the runs from a place on, to find the place of an instant by halving
-- index: primary key of runs
-- often: when a person looks: 40 times at most
SELECT no, started_at FROM runs WHERE no >= $1 ORDER BY no LIMIT 1;
