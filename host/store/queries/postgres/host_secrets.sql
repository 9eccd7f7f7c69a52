-- for: all values of the secrets of a tenant, those in force first
-- index: primary key of secrets
-- often: once a tenant whose secrets are used, and when some were changed
SELECT tenant, name, version, sealed, set_at, set_by, until, used_at
FROM siyu.secrets
WHERE tenant = $1
ORDER BY tenant, name, version DESC;
