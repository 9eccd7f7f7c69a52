-- for: the place of the last line of all
-- index: primary key of journal
-- often: once an opening
SELECT coalesce(max(id), 0) FROM journal;
