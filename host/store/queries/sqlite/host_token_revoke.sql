-- for: revokes a token
-- index: primary key of tokens
-- often: once a token
UPDATE tokens SET revoked_at = max(made_at, ?) WHERE id = ? AND revoked_at IS NULL;
