-- for: keeps a value
-- index: primary key of secrets
-- often: once a value that is set
INSERT INTO secrets (tenant, name, version, sealed, set_at, set_by) VALUES (?, ?, ?, ?, ?, ?);
