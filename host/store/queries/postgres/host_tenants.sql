-- for: the tenants of a database, sorted
-- index: primary key of tenants
-- often: when a host starts
SELECT name FROM siyu.tenants ORDER BY name;
