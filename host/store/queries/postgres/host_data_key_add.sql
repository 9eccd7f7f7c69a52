-- for: keeps the key of a tenant that has none
-- index: primary key of data_keys
-- often: once a tenant
INSERT INTO siyu.data_keys (tenant, host_key, wrapped) VALUES ($1, $2, $3) ON CONFLICT (tenant) DO NOTHING;
