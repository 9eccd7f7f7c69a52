-- for: the key under which tokens are hashed, when there is none
-- index: primary key of door
-- often: once a start
INSERT INTO door (one, key, revision) VALUES (1, ?, 0) ON CONFLICT (one) DO NOTHING;
