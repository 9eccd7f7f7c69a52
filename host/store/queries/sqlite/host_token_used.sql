-- for: when a token was last used
-- index: primary key of tokens
-- often: once a used token and ten seconds
UPDATE tokens SET used_at = max(coalesce(used_at, 0), ?) WHERE id = ?;
