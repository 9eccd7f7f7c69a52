-- for: how far files of events were read
-- index: scan: all of them are wanted
-- often: once an opening
SELECT name, events FROM feeds ORDER BY name;
