-- for: tokens that are over for long
-- index: scan: all are looked at
-- often: once a token that is made
DELETE FROM siyu.tokens WHERE coalesce(revoked_at, expires_at) < $1;
