-- for: revokes a token
-- index: primary key of tokens
-- often: once a token
UPDATE siyu.tokens SET revoked_at = greatest(made_at, $1) WHERE id = $2 AND revoked_at IS NULL;
