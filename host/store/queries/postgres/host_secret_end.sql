-- for: removes a secret
-- index: primary key of secrets
-- often: once a secret
DELETE FROM siyu.secrets WHERE tenant = $1 AND name = $2;
