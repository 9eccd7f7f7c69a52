-- for: published versions, newest first
-- index: primary key of playbooks
-- often: when a person looks
SELECT name, digest, published_at, is_active, rowid FROM playbooks WHERE rowid < ? ORDER BY rowid DESC LIMIT ?;
