-- for: when a secret was last used
-- index: primary key of secrets
-- often: once a used secret and ten seconds
UPDATE siyu.secrets SET used_at = greatest(coalesce(used_at, 0), $1) WHERE tenant = $2 AND name = $3 AND until IS NULL;
