-- for: how many secrets a tenant has
-- index: primary key of secrets
-- often: once a secret that is new
SELECT count(DISTINCT name) FROM secrets WHERE tenant = ?;
