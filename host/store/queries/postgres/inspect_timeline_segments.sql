-- for: segments of a customer up to an instant, newest first
-- index: primary key of segment_members
-- often: when a person looks at a customer
SELECT customer, playbook, segment, is_member, since, check_at FROM segment_members
WHERE customer = $1 AND since <= $2
ORDER BY since DESC, playbook, segment
LIMIT $3;
