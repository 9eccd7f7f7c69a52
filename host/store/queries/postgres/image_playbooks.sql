-- for: active versions, and versions that unfinished runs keep
-- index: scan: versions are few; runs_open_version says which of them are kept
-- often: once an opening
SELECT name, digest, compiled, files, published_at, is_active FROM playbooks
WHERE is_active OR EXISTS (
    SELECT 1 FROM runs WHERE runs.version = playbooks.digest AND runs.ended_at IS NULL
);
