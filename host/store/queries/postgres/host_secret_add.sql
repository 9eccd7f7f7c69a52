-- for: keeps a value
-- index: primary key of secrets
-- often: once a value that is set
INSERT INTO siyu.secrets (tenant, name, version, sealed, set_at, set_by) VALUES ($1, $2, $3, $4, $5, $6);
