-- for: ended runs of a window, until their journals are enough
-- index: primary key of runs
-- often: maintenance, a bounded window a call
SELECT no, journal_last, (sum(journal_rows) OVER (ORDER BY no) - journal_rows)::bigint FROM runs
WHERE no > $1 AND no <= $2 AND ended_at < $3
ORDER BY no;
