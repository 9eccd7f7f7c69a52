-- for: timers in the order of due instant and id
-- index: primary key of timers
-- often: when the window of timers in memory runs low
SELECT due_at, id, kind FROM timers
WHERE (due_at, id) > ($1, $2)
ORDER BY due_at, id
LIMIT $3;
