-- for: definitions in force
-- index: scan: all of them are wanted
-- often: once an opening
SELECT plugin, kind, name, playbook, body, reactions FROM resources ORDER BY plugin, kind, name;
