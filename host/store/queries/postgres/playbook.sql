-- for: one published version
-- index: primary key of playbooks
-- often: when a run wakes whose version is not in memory
SELECT name, digest, compiled, files, published_at, is_active FROM playbooks
WHERE name = $1 AND digest = $2;
