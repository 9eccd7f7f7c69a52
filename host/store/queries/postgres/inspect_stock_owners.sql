-- for: whose pools there are
-- index: primary key of pools, one step an owner
-- often: when a person looks
WITH RECURSIVE part (plugin) AS (
    SELECT min(plugin) FROM pools
    UNION ALL
    SELECT (SELECT min(plugin) FROM pools WHERE pools.plugin > part.plugin) FROM part WHERE part.plugin IS NOT NULL
)
SELECT plugin FROM part WHERE plugin IS NOT NULL;
