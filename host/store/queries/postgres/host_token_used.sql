-- for: when a token was last used
-- index: primary key of tokens
-- often: once a used token and ten seconds
UPDATE siyu.tokens SET used_at = greatest(coalesce(used_at, 0), $1) WHERE id = $2;
