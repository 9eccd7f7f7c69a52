-- for: the random bytes of a tenant, made once
-- index: primary key of meta
-- often: once an opening
INSERT INTO meta (name, value) VALUES ('secret', $1) ON CONFLICT (name) DO NOTHING;
