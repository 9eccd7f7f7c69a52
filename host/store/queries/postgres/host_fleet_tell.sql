-- for: tells all hosts that something is new
-- index: none: no table
-- often: when a host comes or goes, or a tenant is free or new
SELECT pg_notify('siyu', $1);
