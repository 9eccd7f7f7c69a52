-- for: keeps a plugin that a version uses
-- index: primary key of components
-- often: once a plugin of a publication
INSERT INTO siyu.components (digest, code, kept_at) VALUES ($1, $2, siyu.now_ms()) ON CONFLICT (digest) DO NOTHING;
