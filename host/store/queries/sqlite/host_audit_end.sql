-- for: the last note, which the next one follows
-- index: scan: the first row from the end of the primary key
-- often: once a note
SELECT place, link FROM audit ORDER BY place DESC LIMIT 1;
