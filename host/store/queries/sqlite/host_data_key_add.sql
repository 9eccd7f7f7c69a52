-- for: keeps the key of a tenant that has none
-- index: primary key of data_keys
-- often: once a tenant
INSERT INTO data_keys (tenant, host_key, wrapped) VALUES (?, ?, ?) ON CONFLICT (tenant) DO NOTHING;
