-- for: new codes; one that is there already breaks the commit
-- index: primary key of codes
-- often: commits that change them
INSERT OR ROLLBACK INTO codes (
    lookup, plugin, space, sealed, reference, created_at
)
SELECT
    CAST(value ->> 0 AS BLOB), value ->> 1, value ->> 2, CAST(value ->> 3 AS BLOB), value ->> 4,
    value ->> 5
FROM jsonb_each(?);
