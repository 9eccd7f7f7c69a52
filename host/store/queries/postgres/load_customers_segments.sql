-- for: the segments of customers
-- index: primary key of segment_members
-- often: every batch that meets such rows for the first time
SELECT customer, playbook, segment, is_member, since, check_at FROM segment_members
WHERE customer = ANY ($1)
ORDER BY customer, playbook, segment;
