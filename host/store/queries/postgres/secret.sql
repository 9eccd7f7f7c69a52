-- for: the random bytes of a tenant
-- index: primary key of meta
-- often: once an opening
SELECT value FROM meta WHERE name = 'secret';
