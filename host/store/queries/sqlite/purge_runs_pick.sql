-- for: ended runs of a window, until their journals are enough
-- index: primary key of runs
-- often: maintenance, a bounded window a call
SELECT no, journal_last, sum(journal_rows) OVER (ORDER BY no) - journal_rows FROM runs
WHERE no > ? AND no <= ? AND ended_at < ?
ORDER BY no;
