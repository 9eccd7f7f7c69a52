-- for: all tokens, in the order of their ids
-- index: scan: a host keeps them all
-- often: whenever tokens changed
SELECT id, hash, name, role, only_scopes, reach, made_at, made_by, expires_at, revoked_at, used_at
FROM siyu.tokens
ORDER BY id;
