-- for: keeps a token
-- index: primary key and hash of tokens
-- often: once a token
INSERT INTO siyu.tokens (id, hash, name, role, only_scopes, reach, made_at, made_by, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);
