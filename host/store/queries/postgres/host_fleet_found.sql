-- for: makes a tenant that is not there, for the host that asks
-- index: primary key of tenants
-- often: once a tenant
INSERT INTO siyu.tenants (name, schema, created_at, holder, clock)
VALUES ($1, $2, siyu.now_ms(), $3, $4)
ON CONFLICT (name) DO NOTHING;
