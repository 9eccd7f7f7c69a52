-- for: tags put on or changed
-- index: primary key of tags
-- often: commits that change them
INSERT INTO tags (
    customer, tag, source, added_at, effective_at, expires_at, confidence_percent, evidence
)
SELECT
    CAST(value ->> 0 AS BLOB), value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5,
    value ->> 6, value ->> 7
FROM jsonb_each(?)
WHERE true
ON CONFLICT (customer, tag) DO UPDATE SET
    source = excluded.source,
    added_at = excluded.added_at,
    effective_at = excluded.effective_at,
    expires_at = excluded.expires_at,
    confidence_percent = excluded.confidence_percent,
    evidence = excluded.evidence;
