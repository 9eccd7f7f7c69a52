-- for: memberships of an erased customer
-- index: primary key of segment_members
-- often: once an erased customer
DELETE FROM segment_members WHERE customer = ?1;
