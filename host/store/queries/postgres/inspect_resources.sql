-- for: definitions for a plugin
-- index: primary key of resources
-- often: when a person looks
SELECT plugin, kind, name, playbook, body, reactions FROM resources
WHERE plugin = $1
ORDER BY kind, name
LIMIT $2;
