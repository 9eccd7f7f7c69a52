-- for: a text that a tenant keeps about its own way, such as that it was moved
-- index: primary key of meta
-- often: once an opening
SELECT value FROM meta WHERE name = ?;
