-- for: keeps everybody from opening or claiming a tenant until the transaction ends
-- index: primary key of tenants
-- often: when a tenant is carried
SELECT 1 FROM siyu.tenants WHERE name = $1 FOR UPDATE;
