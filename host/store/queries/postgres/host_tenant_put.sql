-- for: notes a tenant that was opened
-- index: primary key of tenants
-- often: once an opening
INSERT INTO siyu.tenants (name, schema, created_at)
VALUES ($1, $2, (extract(epoch FROM now()) * 1000)::bigint)
ON CONFLICT (name) DO NOTHING;
