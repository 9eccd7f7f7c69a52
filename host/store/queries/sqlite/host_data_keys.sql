-- for: the keys of all tenants
-- index: scan: whoever changes the key of the host reads them all
-- often: once a change of the key of the host
SELECT tenant, host_key, wrapped FROM data_keys ORDER BY tenant;
