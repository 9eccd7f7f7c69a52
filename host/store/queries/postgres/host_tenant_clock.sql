-- for: who makes a tenant's time
-- index: primary key of tenants
-- often: once an opening
SELECT clock FROM siyu.tenants WHERE name = $1;
