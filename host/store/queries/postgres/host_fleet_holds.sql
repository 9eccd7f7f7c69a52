-- for: whether a host has a tenant, and keeps it so until the transaction ends
-- index: primary key of tenants and of hosts
-- often: once an opening
SELECT 1
FROM siyu.tenants AS tenant JOIN siyu.hosts AS host ON host.id = tenant.holder
WHERE tenant.name = $1 AND host.id = $2 AND host.alive_until > siyu.now_ms()
FOR SHARE OF tenant;
