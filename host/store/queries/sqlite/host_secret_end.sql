-- for: removes a secret
-- index: primary key of secrets
-- often: once a secret
DELETE FROM secrets WHERE tenant = ? AND name = ?;
