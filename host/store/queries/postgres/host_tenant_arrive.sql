-- for: notes a tenant that was copied here; the name of one that left is used again
-- index: primary key of tenants
-- often: when a tenant is carried
INSERT INTO siyu.tenants (name, schema, created_at, clock) VALUES ($1, $2, siyu.now_ms(), $3)
ON CONFLICT (name) DO UPDATE SET clock = excluded.clock, is_closed = false, holder = NULL;
