-- for: published versions, newest first
-- index: primary key of playbooks
-- often: when a person looks
SELECT name, digest, published_at, is_active, no FROM playbooks WHERE no < $1 ORDER BY no DESC LIMIT $2;
