-- for: members of segments
-- index: scan: all of the index segment_members_inside
-- often: when a person looks
SELECT playbook, segment, count(*) FROM segment_members WHERE is_member GROUP BY playbook, segment ORDER BY playbook, segment;
