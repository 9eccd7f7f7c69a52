-- for: removes all secrets of a tenant
-- index: primary key of secrets
-- often: once a tenant
DELETE FROM siyu.secrets WHERE tenant = $1;
