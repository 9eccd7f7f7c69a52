-- for: new or changed memberships
-- index: primary key of segment_members
-- often: commits that change them
INSERT INTO segment_members (
    customer, playbook, segment, is_member, since, check_at
)
SELECT
    CAST(value ->> 0 AS BLOB), value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5
FROM jsonb_each(?)
WHERE true
ON CONFLICT (customer, playbook, segment) DO UPDATE SET
    is_member = excluded.is_member,
    since = excluded.since,
    check_at = excluded.check_at;
