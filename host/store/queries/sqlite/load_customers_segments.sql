-- for: the segments of customers
-- index: primary key of segment_members
-- often: every batch that meets such rows for the first time
SELECT customer, playbook, segment, is_member, since, check_at FROM segment_members
WHERE customer IN (SELECT CAST(value AS BLOB) FROM jsonb_each(?))
ORDER BY customer, playbook, segment;
