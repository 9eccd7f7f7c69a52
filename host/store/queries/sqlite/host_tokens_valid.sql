-- for: how many tokens open something
-- index: scan: all are counted
-- often: once a token that is made
SELECT count(*) FROM tokens WHERE revoked_at IS NULL AND expires_at > ?;
