-- for: keeps a token
-- index: primary key and hash of tokens
-- often: once a token
INSERT INTO tokens (id, hash, name, role, only_scopes, reach, made_at, made_by, expires_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);
