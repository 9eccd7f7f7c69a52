-- for: the key of a tenant
-- index: primary key of data_keys
-- often: once a tenant whose secrets are used, and when some were changed
SELECT tenant, host_key, wrapped FROM siyu.data_keys WHERE tenant = $1;
