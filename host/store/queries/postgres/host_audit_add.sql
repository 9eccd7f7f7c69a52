-- for: keeps a note of a change
-- index: primary key of audit
-- often: once a note
INSERT INTO siyu.audit (place, at, actor, tenant, action, subject, outcome, detail, link)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);
