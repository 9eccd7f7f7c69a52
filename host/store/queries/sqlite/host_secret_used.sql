-- for: when a secret was last used
-- index: primary key of secrets
-- often: once a used secret and ten seconds
UPDATE secrets SET used_at = max(coalesce(used_at, 0), ?) WHERE tenant = ? AND name = ? AND until IS NULL;
