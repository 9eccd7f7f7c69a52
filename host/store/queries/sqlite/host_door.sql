-- for: what tokens are hashed under, and whether tokens changed
-- index: primary key of door
-- often: once a second while requests come
SELECT key, revision FROM door WHERE one = 1;
