-- for: schedules
-- index: scan: all of them are wanted
-- often: once an opening
SELECT playbook, workflow, pattern, next_at FROM schedules ORDER BY playbook, workflow;
