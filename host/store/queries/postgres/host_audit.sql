-- for: notes of changes before a place, newest first
-- index: primary key of audit
-- often: whenever people look
SELECT place, at, actor, tenant, action, subject, outcome, detail, link
FROM siyu.audit
WHERE place < $1
ORDER BY place DESC
LIMIT $2;
