-- for: keeps a note of a change
-- index: primary key of audit
-- often: once a note
INSERT INTO audit (place, at, actor, tenant, action, subject, outcome, detail, link)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);
