-- for: writes a text that a tenant keeps about its own way
-- index: primary key of meta
-- often: when a tenant is carried
INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value;
