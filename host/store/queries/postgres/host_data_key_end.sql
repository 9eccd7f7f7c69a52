-- for: forgets the key of a tenant
-- index: primary key of data_keys
-- often: once a tenant whose secrets are all removed
DELETE FROM siyu.data_keys WHERE tenant = $1;
